using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>What somebody does with a socket; as Bpf/events.h numbers it.</summary>
internal enum OwnerAct : byte
{
    /// <summary>Makes a connection from a local end to a remote one.</summary>
    Connects = 1,

    /// <summary>Sends datagrams from a local port to whomever; the first of them goes to the remote end.</summary>
    Sends = 2,

    /// <summary>Takes connections or datagrams at a local end.</summary>
    Listens = 3,

    /// <summary>Accepted a connection, as one of several listeners of the same port.</summary>
    Accepts = 4,

    /// <summary>Sends packets of a protocol that has no ports.</summary>
    Opens = 5,

    /// <summary>No longer listens or sends packets.</summary>
    Closes = 6,
}

/// <summary>One program that a process runs, with the users and the cgroup that it has (struct identity).</summary>
/// <param name="Start">When the process began, in ns since boot.</param>
/// <param name="Cgroup">The id of its cgroup.</param>
/// <param name="Pid">As the outermost pid namespace has it; 0 for the kernel itself.</param>
/// <param name="Program">How many programs the process ran before this one.</param>
/// <param name="Uid">The owner.</param>
/// <param name="Login">Who signed in, or <see cref="Processes.ProcessFacts.NoLogin"/>.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct OwnerIdentity(ulong Start, ulong Cgroup, uint Pid, uint Program, uint Uid, uint Login)
{
    /// <summary>Whether it is the kernel itself, rather than a process.</summary>
    public bool IsKernel => Pid == 0;
}

/// <summary>Somebody did something with a socket (struct event); <c>OnlyV6</c> says that an IPv6 socket takes nothing of IPv4.</summary>
internal readonly record struct OwnerEvent(
    ulong Socket, OwnerIdentity Who, OwnerAct Act, byte Protocol, bool Shared, IpAddress Local, ushort LocalPort, IpAddress Remote, ushort RemotePort, bool OnlyV6 = false)
{
    /// <summary>Bytes of it.</summary>
    public const int Length = 80;

    /// <summary>Reads it; false for an act that is not known, or another length.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out OwnerEvent read)
    {
        if (bytes.Length != Length || bytes[76] is < (byte)OwnerAct.Connects or > (byte)OwnerAct.Closes)
        {
            read = default;
            return false;
        }

        read = new(
            MemoryMarshal.Read<ulong>(bytes),
            MemoryMarshal.Read<OwnerIdentity>(bytes[8..]),
            (OwnerAct)bytes[76],
            bytes[77],
            bytes[78] != 0,
            Address(bytes.Slice(40, 16)),
            MemoryMarshal.Read<ushort>(bytes[72..]),
            Address(bytes.Slice(56, 16)),
            MemoryMarshal.Read<ushort>(bytes[74..]),
            bytes[79] != 0);
        return true;
    }

    private static IpAddress Address(ReadOnlySpan<byte> bytes) => IpAddress.V6(BinaryPrimitives.ReadUInt128BigEndian(bytes));
}

/// <summary>What there is to know of an identity (struct facts); texts are components from the last to the first, each with its end.</summary>
internal unsafe struct OwnerFacts
{
    /// <summary>Bytes of a path at most.</summary>
    public const int LongestPath = 1024;

    /// <summary>The process id as the agent's pid namespace has it, or 0 if it is not in there.</summary>
    public uint Pid;

    private fixed byte _name[16];
    private uint _pathLength;
    private fixed byte _path[LongestPath];
    private uint _cgroupLength;
    private fixed byte _cgroup[LongestPath];

    /// <summary>The command name.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Name
    {
        get
        {
            var name = MemoryMarshal.CreateReadOnlySpan(ref _name[0], 16);
            return name.IndexOf((byte)0) is var end and >= 0 ? name[..end] : name;
        }
    }

    /// <summary>The executable; empty if the path is too long.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Path => MemoryMarshal.CreateReadOnlySpan(ref _path[0], (int)Math.Min(_pathLength, LongestPath));

    /// <summary>The cgroup, from the hierarchy's root; empty if the path is too long, or it is the root.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Cgroup => MemoryMarshal.CreateReadOnlySpan(ref _cgroup[0], (int)Math.Min(_cgroupLength, LongestPath));

    /// <summary>The path that components make: <c>ls 0 bin 0 usr 0</c> is <c>/usr/bin/ls</c>.</summary>
    /// <returns>How much of the buffer it fills; 0 for no components.</returns>
    public static int Join(ReadOnlySpan<byte> components, Span<byte> into)
    {
        var at = 0;
        while (components.Length > 1)
        {
            var start = components[..^1].LastIndexOf((byte)0) + 1;
            var name = components[start..^1];
            into[at++] = (byte)'/';
            name.CopyTo(into[at..]);
            at += name.Length;
            components = components[..start];
        }

        return at;
    }
}
