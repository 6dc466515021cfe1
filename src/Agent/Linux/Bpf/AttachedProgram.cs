using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>A program or map that is in the kernel already.</summary>
/// <param name="Descriptor">Ours to close.</param>
/// <param name="Name">At most 15 characters.</param>
internal sealed record KernelObject(int Descriptor, string Name) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => _ = Netlink.Libc.Close(Descriptor);
}

/// <summary>Finds programs that are attached to a cgroup.</summary>
internal sealed unsafe class AttachedProgram : IDisposable
{
    private const int Most = 64;
    private readonly uint[] _maps;

    private AttachedProgram(int descriptor)
    {
        Descriptor = descriptor;
        var maps = stackalloc uint[Most];
        var info = new Libbpf.ProgramInfo { MapCount = Most, Maps = (ulong)maps };
        var length = (uint)sizeof(Libbpf.ProgramInfo);
        _ = BpfException.Check(Libbpf.Info(descriptor, &info, &length), "read what a program is");
        Name = NameOf(info.Name);
        _maps = new ReadOnlySpan<uint>(maps, (int)Math.Min(info.MapCount, Most)).ToArray();
    }

    /// <summary>Its descriptor.</summary>
    public int Descriptor { get; }

    /// <summary>Its name, of at most 15 characters.</summary>
    public string Name { get; }

    /// <summary>All that are attached to a cgroup itself, at one hook.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public static List<AttachedProgram> All(SafeFileHandle cgroup, int hook)
    {
        var found = new List<AttachedProgram>();
        foreach (var number in Numbers(cgroup, hook))
        {
            // One that was taken off meanwhile is no longer to be had.
            if (Libbpf.OpenProgram(number) is var descriptor and >= 0)
            {
                found.Add(new(descriptor));
            }
        }

        return found;
    }

    /// <summary>The kernel's numbers of all that are attached to a cgroup itself, at one hook.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public static uint[] Numbers(SafeFileHandle cgroup, int hook)
    {
        var ids = stackalloc uint[Most];
        uint flags, count = Most;
        _ = BpfException.Check(Libbpf.Query(cgroup, hook, 0, &flags, ids, &count), "read the programs of a cgroup");
        return new ReadOnlySpan<uint>(ids, (int)count).ToArray();
    }

    /// <summary>The kernel's number of a program.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public static uint NumberOf(int program)
    {
        var info = default(Libbpf.ProgramInfo);
        var length = (uint)sizeof(Libbpf.ProgramInfo);
        _ = BpfException.Check(Libbpf.Info(program, &info, &length), "read what a program is");
        return info.Id;
    }

    /// <summary>One of its maps by name, if its values have a length; null if there is none.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public KernelObject? OpenMap(string name, int valueLength)
    {
        foreach (var id in _maps)
        {
            var descriptor = BpfException.Check(Libbpf.OpenMap(id), "open a map");
            var info = default(Libbpf.MapInfo);
            var length = (uint)sizeof(Libbpf.MapInfo);
            var map = new KernelObject(descriptor, "");
            if (Libbpf.Info(descriptor, &info, &length) == 0 && NameOf(info.Name) == name && info.ValueSize == valueLength)
            {
                return map with { Name = name };
            }

            map.Dispose();
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _ = Netlink.Libc.Close(Descriptor);

    private static string NameOf(byte* name) => Encoding.ASCII.GetString(new ReadOnlySpan<byte>(name, 16)).TrimEnd('\0');
}
