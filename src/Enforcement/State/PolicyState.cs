using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.State;

/// <summary>What is wrong, as reported to the controller and shown on the host.</summary>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Message">What happened, and what was not changed.</param>
/// <param name="Remedy">What to do.</param>
public sealed record Problem(string Code, string Message, string Remedy);

/// <summary>Where an agent stands with its policy.</summary>
public sealed record PolicyState
{
    /// <summary>Before anything happened.</summary>
    public static PolicyState Initial { get; } = new();

    /// <summary>What the host can decide, as names from <see cref="Policy.Compile.Features"/>.</summary>
    public EquatableArray<string> Features { get; init; } = [Policy.Compile.Features.Base];

    /// <summary>The bits of socket marks that are ours.</summary>
    public uint MarkMask { get; init; } = MarkTable.DefaultMask;

    /// <summary>What the host is to enforce: the last policy accepted; null if there never was one.</summary>
    public HostPolicy? Desired { get; init; }

    /// <summary>What the kernel enforces; null before the first success.</summary>
    public HostPolicy? Applied { get; init; }

    /// <summary>The directions that may have been enforced before the agent started, by their marker.</summary>
    public Modes Marked { get; init; }

    /// <summary>The last policy under which the controller was reached after it was in force; null if that is not known.</summary>
    public HostPolicy? Proven { get; init; }

    /// <summary>Whether <see cref="Desired"/> cut the controller's channel, so that the rules of <see cref="Proven"/> are enforced in its place.</summary>
    public bool RolledBack { get; init; }

    /// <summary>Whether the rules of <see cref="Desired"/> were rolled back in vain: the channel was cut by the earlier ones too.</summary>
    public bool InVain { get; init; }

    /// <summary>What the kernel is to be given: <see cref="Desired"/>, or after a roll-back what <see cref="RollBack.Merge"/> makes of it.</summary>
    public HostPolicy? Effective => RolledBack && Proven is { } proven && Desired is { } desired ? RollBack.Merge(proven, desired) : Desired;

    /// <summary>Failures to apply since the last success.</summary>
    public int Failures { get; init; }

    /// <summary>When to try again, or null.</summary>
    public DateTimeOffset? RetryAt { get; init; }

    /// <summary>Times that somebody else changed our table, or our programs.</summary>
    public ulong Tampered { get; init; }

    /// <summary>When the table was last repaired, or null.</summary>
    public DateTimeOffset? RepairedAt { get; init; }

    /// <summary>Why the last offer was refused, or null.</summary>
    public Problem? Refusal { get; init; }

    /// <summary>Why the last apply failed, or null.</summary>
    public Problem? Failure { get; init; }

    /// <summary>That the kernel has no rules of a policy, and what it has in their place; or null.</summary>
    public Problem? Shut { get; init; }

    /// <summary>That the policy was lost, or null.</summary>
    public Problem? Loss { get; init; }

    /// <summary>Who last changed our table, or null.</summary>
    public Problem? Interference { get; init; }

    /// <summary>What was last changed of the programs that stamp sockets, or null.</summary>
    public Problem? ProgramInterference { get; init; }

    /// <summary>That our own table cuts the channel to the controller, and what was done about it; or null.</summary>
    public Problem? Cut { get; init; }

    /// <summary>That somebody opened the host (<c>bulkhead-agent panic</c>): nothing is enforced until that is taken back. Or null.</summary>
    public Problem? Panic { get; init; }

    /// <summary>All that is wrong now.</summary>
    public IEnumerable<Problem> Problems => ((Problem?[])[Panic, Loss, Shut, Cut, Refusal, Failure, Interference, ProgramInterference]).OfType<Problem>();
}

/// <summary>What happens to an agent's policy.</summary>
public abstract record PolicyEvent
{
    private PolicyEvent()
    {
    }

    /// <summary>The agent starts.</summary>
    /// <param name="Cached">The last policy, from a copy that is whole; or null.</param>
    /// <param name="Enforced">The directions that may have been enforced, by their marker.</param>
    /// <param name="Controllers">Where the controller is reached, by the marker and the pairing.</param>
    /// <param name="FailSafe">The fail-safe list, by the marker.</param>
    public sealed record Started(
        HostPolicy? Cached, Modes Enforced, EquatableArray<ControllerEndpoint> Controllers, EquatableArray<FailSafeEntry> FailSafe) : PolicyEvent
    {
        /// <summary>The last policy under which the controller was reached, if that is another than the cached one; or null.</summary>
        public HostPolicy? Proven { get; init; }

        /// <summary>That the host was opened before and still is to be; or null.</summary>
        public Problem? Panic { get; init; }
    }

    /// <summary>The controller sends a policy.</summary>
    /// <param name="Policy">Decoded.</param>
    /// <param name="EpochProven">Whether the CA's signature over its epoch holds.</param>
    public sealed record Offered(HostPolicy Policy, bool EpochProven) : PolicyEvent;

    /// <summary>The controller sends what cannot be read as a policy.</summary>
    public sealed record Unreadable(Problem Problem) : PolicyEvent;

    /// <summary>The kernel took a policy.</summary>
    public sealed record Applied(HostPolicy Policy) : PolicyEvent;

    /// <summary>The kernel, or nft, did not take a policy; it keeps what it has.</summary>
    public sealed record ApplyFailed(string Detail) : PolicyEvent;

    /// <summary>What the kernel had was not what was left there, if anything, and was shut.</summary>
    /// <param name="Locked">What is in force now.</param>
    /// <param name="Detail">Why that could not be put in force either; null if it is.</param>
    public sealed record Shut(HostPolicy Locked, string? Detail) : PolicyEvent;

    /// <summary>Somebody else changed our table.</summary>
    /// <param name="By">Who, as far as it is known.</param>
    /// <param name="What">What differs from before, in words; empty if that is not known.</param>
    /// <param name="IsUndone">Whether the table is right again, by an apply that came upon it or by whoever changed it.</param>
    public sealed record Tampered(string By, string What = "", bool IsUndone = false) : PolicyEvent;

    /// <summary>Somebody else changed the programs that stamp sockets.</summary>
    /// <param name="What">What differs from before, in words.</param>
    public sealed record ProgramsTampered(string What) : PolicyEvent;

    /// <summary>The controller answered a request that was made after the policy came into force.</summary>
    public sealed record ChannelWorked : PolicyEvent;

    /// <summary>Our table, as it is now, dropped a packet of the agent's own connection to its controller.</summary>
    /// <param name="Why">What the packet's report carries.</param>
    /// <param name="Controller">Where it was to go.</param>
    public sealed record ChannelCut(LogPrefix Why, ControllerEndpoint Controller) : PolicyEvent;

    /// <summary>Somebody opened the host, or took that back.</summary>
    /// <param name="Why">What to report while it is open; null once it is taken back.</param>
    public sealed record Panicked(Problem? Why) : PolicyEvent;

    /// <summary>Our table was removed.</summary>
    public sealed record Opened : PolicyEvent;

    /// <summary>The time that <see cref="PolicyState.RetryAt"/> named may have come.</summary>
    public sealed record Tick : PolicyEvent;
}

/// <summary>What the agent has to do; in the order given.</summary>
public abstract record PolicyEffect
{
    private PolicyEffect()
    {
    }

    /// <summary>Keep on disk the policy under which the controller was last reached, before other rules come into force.</summary>
    public sealed record KeepProven(HostPolicy Policy) : PolicyEffect;

    /// <summary>Forget the policy that <see cref="KeepProven"/> kept: under the one in force the controller is reached.</summary>
    public sealed record ForgetProven : PolicyEffect;

    /// <summary>Remove our table, and answer with <see cref="PolicyEvent.Opened"/> or <see cref="PolicyEvent.ApplyFailed"/>.</summary>
    public sealed record Open : PolicyEffect;

    /// <summary>Keep the policy on disk before it is enforced, so that a restart never goes back behind it.</summary>
    public sealed record Persist(HostPolicy Policy) : PolicyEffect;

    /// <summary>Enforce it, and answer with <see cref="PolicyEvent.Applied"/> or <see cref="PolicyEvent.ApplyFailed"/>.</summary>
    /// <param name="Policy">What.</param>
    /// <param name="Replace">Whether what is believed of the kernel's state is not to be relied on.</param>
    public sealed record Apply(HostPolicy Policy, bool Replace) : PolicyEffect;

    /// <summary>
    /// After a failure: look whether the kernel still has what was last put there. If it has nothing, or something else, put this in force and answer with
    /// <see cref="PolicyEvent.Shut"/>.
    /// </summary>
    /// <param name="Locked">Lets essential and fail-safe connections pass in the directions that are enforced, and no others.</param>
    public sealed record ShutUnlessStanding(HostPolicy Locked) : PolicyEffect;

    /// <summary>Tell the controller how things stand.</summary>
    public sealed record Report : PolicyEffect;
}
