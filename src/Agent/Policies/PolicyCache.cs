using Bulkhead.Agent.State;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>What a starting agent finds on disk.</summary>
internal abstract record CachedPolicy
{
    private CachedPolicy()
    {
    }

    /// <summary>There never was a policy, or none that enforced anything: the kernel is to be left as it is.</summary>
    /// <param name="IsDamaged">Whether there was one.</param>
    public sealed record None(bool IsDamaged) : CachedPolicy;

    /// <summary>A whole copy of the last policy that was accepted, which the kernel may not have taken yet.</summary>
    /// <param name="Policy">The copy.</param>
    /// <param name="Proven">The last policy under which the controller was reached, if that is another; or null.</param>
    /// <param name="Marked">The directions that were marked as enforced, the policy's or those of the one before it.</param>
    public sealed record Whole(ReceivedPolicy Policy, ReceivedPolicy? Proven = null, Modes Marked = default) : CachedPolicy;

    /// <summary>The host was enforcing, but no copy is whole: essential and fail-safe only, the rest blocked in the marked directions.</summary>
    /// <param name="Marker">Says just that: full modes where something was enforced, the fail-safe list, the controllers, and no entries.</param>
    public sealed record Lost(HostPolicy Marker) : CachedPolicy;

    /// <summary>Says what is wrong with it, if anything is.</summary>
    public void Tell(ILogger log)
    {
        if (this is Lost)
        {
            log.FailSafe();
        }
        else if (this is None { IsDamaged: true })
        {
            log.CacheDamaged();
        }
    }
}

/// <summary>
/// The last policy, in two checksummed copies, and apart from them a marker of the enforced directions. The marker is there before the
/// kernel blocks anything and goes only after it has stopped to, so that damage never opens an enforced direction.
/// </summary>
internal sealed class PolicyCache(StateDirectory state)
{
    private readonly PolicyFile _policy = new(state.Policy);
    private readonly PolicyFile _copy = new(state.PolicyCopy);
    private readonly PolicyFile _proven = new(state.ProvenPolicy);
    private readonly PolicyFile _marker = new(state.Marker);
    private Wire.HostPolicy? _marked;

    /// <summary>What was left by the last run.</summary>
    public CachedPolicy Load()
    {
        var copy = new[] { _policy.Read(), _copy.Read() }.OfType<ReceivedPolicy>().MaxBy(policy => policy.Policy.Generation);
        if (copy is not null)
        {
            return new CachedPolicy.Whole(copy, _proven.Read(), _marker.Read()?.Policy.Modes ?? default);
        }

        if (!File.Exists(state.Marker))
        {
            return new CachedPolicy.None(File.Exists(state.Policy) || File.Exists(state.PolicyCopy));
        }

        // A damaged marker tells nothing but that something was enforced, so everything is.
        return new CachedPolicy.Lost(_marker.Read()?.Policy ?? PolicyDecoder.Decode(EverythingBlocked()).Value!);
    }

    /// <summary>
    /// Keeps a policy that the kernel is about to get, so that a restart never falls back behind it, and marks the directions
    /// that it blocks, besides those that the kernel may block already. A delta may be on disk only after <see cref="Sync"/>: after a power cut the kernel has
    /// forgotten it too.
    /// </summary>
    public void BeforeApplying(ReceivedPolicy policy)
    {
        // A delta changes no direction: the marker that was written for the whole policy holds for it too.
        if (!ReferenceEquals(_marked, policy.Marker))
        {
            var next = policy.Marker.Clone();
            if (_marker.ReadWhole() is { } present)
            {
                next.Inbound = Stricter(next.Inbound, present.Inbound);
                next.Outbound = Stricter(next.Outbound, present.Outbound);
            }

            _marked = null;
            if (Enforces(next))
            {
                _marker.Write(next.ToByteArray());
            }
        }

        _policy.Write(policy, deltasToDisk: false);
    }

    /// <summary>Waits until what <see cref="BeforeApplying"/> kept is on disk; for before anybody is told that it is in force.</summary>
    public void Sync() => _policy.Sync();

    /// <summary>Keeps the second copy of a policy that the kernel now enforces, and marks just its directions.</summary>
    public void AfterApplying(ReceivedPolicy policy)
    {
        _copy.Write(policy);
        if (ReferenceEquals(_marked, policy.Marker))
        {
            return;
        }

        if (Enforces(policy.Marker))
        {
            _marker.Write(policy.Marker.ToByteArray());
        }
        else
        {
            _marker.Remove();
        }

        _marked = policy.Marker;
    }

    /// <summary>Keeps the policy under which the controller was last reached, while another one's rules have to show that it still is.</summary>
    public void KeepProven(ReceivedPolicy policy) => _proven.Write(policy);

    /// <summary>Forgets what <see cref="KeepProven"/> kept.</summary>
    public void ForgetProven() => _proven.Remove();

    /// <summary>Forgets everything; for unpairing, after the kernel's table is gone.</summary>
    public void Clear()
    {
        _policy.Remove();
        _copy.Remove();
        _proven.Remove();
        _marker.Remove();
    }

    /// <summary>What is kept apart from a policy: its directions, as shut as they may have to be, and how the host is still reached and reaches its controller.</summary>
    public static Wire.HostPolicy MarkerOf(Wire.HostPolicy policy) => new()
    {
        Generation = policy.Generation,
        Inbound = MarkOf(policy.Inbound, policy.Quarantined),
        Outbound = MarkOf(policy.Outbound, policy.Quarantined),
        FailSafe = { policy.FailSafe },
        Controllers = { policy.Controllers },
    };

    private static bool Enforces(Wire.HostPolicy marker) => marker.Inbound == Wire.Mode.Full || marker.Outbound == Wire.Mode.Full;

    private static Wire.Mode MarkOf(Wire.Mode mode, bool quarantined) =>
        quarantined || mode is Wire.Mode.Selective or Wire.Mode.Full ? Wire.Mode.Full : Wire.Mode.Visibility;

    private static Wire.Mode Stricter(Wire.Mode a, Wire.Mode b) => (Wire.Mode)Math.Max((int)a, (int)b);

    private static Wire.HostPolicy EverythingBlocked() => new()
    {
        Generation = new Wire.Generation { Epoch = 1, Number = 1 },
        Inbound = Wire.Mode.Full,
        Outbound = Wire.Mode.Full,
    };
}
