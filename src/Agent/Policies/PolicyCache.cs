using System.Security.Cryptography;
using Bulkhead.Agent.State;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>What a starting agent finds on disk.</summary>
internal abstract record CachedPolicy
{
    private CachedPolicy()
    {
    }

    /// <summary>There never was a policy: the kernel is to be left as it is.</summary>
    public sealed record None : CachedPolicy;

    /// <summary>A whole copy of the last policy that was accepted, which the kernel may not have taken yet.</summary>
    /// <param name="Policy">The copy.</param>
    /// <param name="Proven">The last policy under which the controller was reached, if that is another; or null.</param>
    public sealed record Whole(ReceivedPolicy Policy, ReceivedPolicy? Proven = null) : CachedPolicy;

    /// <summary>The host was enforcing, but no copy is whole: essential and fail-safe only, the rest blocked in the marked directions.</summary>
    /// <param name="Marker">Says just that: full modes where something was enforced, the fail-safe list, the controllers, and no entries.</param>
    public sealed record Lost(HostPolicy Marker) : CachedPolicy;
}

/// <summary>
/// The last policy, in two checksummed copies, and apart from them a marker of the enforced directions. The marker is there before the
/// kernel blocks anything and goes only after it has stopped to, so that damage never opens an enforced direction.
/// </summary>
internal sealed class PolicyCache(StateDirectory state)
{
    private static ReadOnlySpan<byte> Magic => "BHP1"u8;

    /// <summary>What was left by the last run.</summary>
    public CachedPolicy Load()
    {
        var copy = new[] { Read(state.Policy), Read(state.PolicyCopy) }.OfType<ReceivedPolicy>().MaxBy(policy => policy.Policy.Generation);
        if (copy is not null)
        {
            return new CachedPolicy.Whole(copy, Read(state.ProvenPolicy));
        }

        if (!File.Exists(state.Marker))
        {
            return new CachedPolicy.None();
        }

        // A damaged marker tells nothing but that something was enforced, so everything is.
        return new CachedPolicy.Lost(Read(state.Marker)?.Policy ?? PolicyDecoder.Decode(EverythingBlocked()).Value!);
    }

    /// <summary>
    /// Keeps a policy that the kernel is about to get, so that a restart never falls back behind it, and marks the directions
    /// that it blocks, besides those that the kernel may block already.
    /// </summary>
    public void BeforeApplying(Wire.HostPolicy policy)
    {
        var next = MarkerOf(policy);
        var present = ReadWire(state.Marker);
        if (present is not null)
        {
            next.Inbound = Stricter(next.Inbound, present.Inbound);
            next.Outbound = Stricter(next.Outbound, present.Outbound);
        }

        if (Enforces(next))
        {
            WriteUnlessSame(state.Marker, next);
        }

        WriteUnlessSame(state.Policy, policy);
    }

    /// <summary>Keeps the second copy of a policy that the kernel now enforces, and marks just its directions.</summary>
    public void AfterApplying(Wire.HostPolicy policy)
    {
        WriteUnlessSame(state.PolicyCopy, policy);
        if (MarkerOf(policy) is var marker && Enforces(marker))
        {
            WriteUnlessSame(state.Marker, marker);
        }
        else
        {
            DurableFile.Remove(state.Marker);
        }
    }

    /// <summary>Keeps the policy under which the controller was last reached, while another one's rules have to show that it still is.</summary>
    public void KeepProven(Wire.HostPolicy policy) => WriteUnlessSame(state.ProvenPolicy, policy);

    /// <summary>Forgets what <see cref="KeepProven"/> kept.</summary>
    public void ForgetProven() => DurableFile.Remove(state.ProvenPolicy);

    /// <summary>Forgets everything; for unpairing, after the kernel's table is gone.</summary>
    public void Clear()
    {
        DurableFile.Remove(state.Policy);
        DurableFile.Remove(state.PolicyCopy);
        DurableFile.Remove(state.ProvenPolicy);
        DurableFile.Remove(state.Marker);
    }

    private static bool Enforces(Wire.HostPolicy marker) => marker.Inbound == Wire.Mode.Full || marker.Outbound == Wire.Mode.Full;

    private static Wire.HostPolicy MarkerOf(Wire.HostPolicy policy) => new()
    {
        Generation = policy.Generation,
        Inbound = MarkOf(policy.Inbound, policy.Quarantined),
        Outbound = MarkOf(policy.Outbound, policy.Quarantined),
        FailSafe = { policy.FailSafe },
        Controllers = { policy.Controllers },
    };

    private static Wire.Mode MarkOf(Wire.Mode mode, bool quarantined) =>
        quarantined || mode is Wire.Mode.Selective or Wire.Mode.Full ? Wire.Mode.Full : Wire.Mode.Visibility;

    private static Wire.Mode Stricter(Wire.Mode a, Wire.Mode b) => (Wire.Mode)Math.Max((int)a, (int)b);

    private static Wire.HostPolicy EverythingBlocked() => new()
    {
        Generation = new Wire.Generation { Epoch = 1, Number = 1 },
        Inbound = Wire.Mode.Full,
        Outbound = Wire.Mode.Full,
    };

    private static ReceivedPolicy? Read(string path) =>
        ReadWire(path) is { } wire && PolicyDecoder.Decode(wire).Value is { } policy ? new(wire, policy) : null;

    private static Wire.HostPolicy? ReadWire(string path)
    {
        try
        {
            return DurableFile.Read(path) is { } file && Payload(file) is { } payload ? Wire.HostPolicy.Parser.ParseFrom(payload) : null;
        }
        catch (Exception unreadable) when (unreadable is InvalidProtocolBufferException or IOException)
        {
            return null;
        }
    }

    private static byte[]? Payload(byte[] file)
    {
        var head = Magic.Length + SHA256.HashSizeInBytes;
        return file.Length >= head
            && file.AsSpan(0, Magic.Length).SequenceEqual(Magic)
            && SHA256.HashData(file.AsSpan(head)).AsSpan().SequenceEqual(file.AsSpan(Magic.Length, SHA256.HashSizeInBytes))
            ? file[head..]
            : null;
    }

    private static void WriteUnlessSame(string path, Wire.HostPolicy policy)
    {
        var payload = policy.ToByteArray();
        byte[] file = [.. Magic, .. SHA256.HashData(payload), .. payload];
        if (!(Try(path) is { } present && present.AsSpan().SequenceEqual(file)))
        {
            DurableFile.Write(path, file);
        }
    }

    private static byte[]? Try(string path)
    {
        try
        {
            return DurableFile.Read(path);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
