using Bulkhead.Enforcement.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>
/// Turns a host policy from the wire, or from the cache, into the checked form. Anything out of bounds, and any field that this
/// version does not know, refuses the whole policy, since enforcing the rest might allow what was meant to be blocked.
/// </summary>
internal static class PolicyDecoder
{
    /// <summary>The most entries of a host policy.</summary>
    public const int MostEntries = 100_000;

    /// <summary>The most members of all its peer sets together.</summary>
    public const int MostMembers = 2_000_000;

    private const int MostProblems = 20;
    private const int LongestName = 64;
    private const int LongestText = 4096;

    /// <summary>The policy, or the problems that keep it from being one (the first twenty).</summary>
    public static Checked<HostPolicy> Decode(Wire.HostPolicy wire)
    {
        var problems = new List<Diagnostic>();
        if (HasUnknownFields(wire))
        {
            problems.Add(Diagnostic.Error("unknown-field", "policy", "The policy carries a field that this agent does not know. Update the agent."));
        }

        var generation = new Generation(wire.Generation?.Epoch ?? 0, wire.Generation?.Number ?? 0);
        if (generation.Epoch == 0 || generation.Number == 0)
        {
            Add(problems, "bad-generation", "generation", $"'{generation}' is no generation; epoch and number start at 1.");
        }

        var sets = PeerSets(wire.PeerSets, problems);
        var names = sets.Select(set => set.Name).ToHashSet(StringComparer.Ordinal);
        var policy = new HostPolicy
        {
            Generation = generation,
            RequiredFeatures = wire.RequiredFeatures.Order(StringComparer.Ordinal).ToEquatableArray(),
            Modes = new Modes(Mode(wire.Inbound, "inbound", problems), Mode(wire.Outbound, "outbound", problems)),
            Quarantined = wire.Quarantined,
            Responders = Prefixes(wire.Responders, "responders", problems),
            QuarantinedPeers = Prefixes(wire.QuarantinedPeers, "quarantinedPeers", problems),
            Controllers = Controllers(wire.Controllers, problems),
            FailSafe = wire.FailSafe.Select((entry, i) => new FailSafeEntry(
                Prefixes(entry.Sources, $"failSafe[{i}].sources", problems),
                Ports(entry.Ports, $"failSafe[{i}].ports", problems))).ToEquatableArray(),
            Entries = Entries(wire.Entries, names, problems),
            PeerSets = sets,
        };
        return problems.Count > 0 ? new(null, problems) : new(policy, []);
    }

    /// <summary>What is stated of a policy that could not be decoded.</summary>
    public static Problem Refusal(Wire.HostPolicy wire, IReadOnlyList<Diagnostic> problems) => new(
        problems[0].Code,
        $"Policy {wire.Generation?.Epoch}.{wire.Generation?.Number} was refused, and the last one stays in force. {string.Join(' ', problems.Select(d => $"{d.Path}: {d.Message}"))}",
        "Check that controller and agent are of matching versions.");

    private static bool HasUnknownFields(Wire.HostPolicy wire)
    {
        var known = Wire.HostPolicy.Parser.WithDiscardUnknownFields(true).ParseFrom(wire.ToByteString());
        return known.CalculateSize() != wire.CalculateSize();
    }

    private static EquatableArray<HostEntry> Entries(RepeatedField<Wire.HostEntry> entries, HashSet<string> sets, List<Diagnostic> problems)
    {
        if (entries.Count > MostEntries)
        {
            Add(problems, "too-many", "entries", $"{entries.Count} entries; this agent takes at most {MostEntries}.");
            return [];
        }

        return entries.Select((entry, i) => Entry(entry, i, sets, problems)).ToEquatableArray();
    }

    private static HostEntry Entry(Wire.HostEntry entry, int index, HashSet<string> sets, List<Diagnostic> problems)
    {
        var path = $"entries[{index}]";
        if (entry.Rule <= 0)
        {
            Add(problems, "bad-rule", $"{path}.rule", $"'{entry.Rule}' is no rule id.");
        }

        if (!sets.Contains(entry.Peers))
        {
            Add(problems, "unknown-peers", $"{path}.peers", "The entry names a peer set that the policy does not carry.");
        }

        if (entry.Ports.Count == 0)
        {
            Add(problems, "no-ports", $"{path}.ports", "An entry without ports matches nothing; every protocol is written as protocol 0.");
        }

        if (entry.ProcessPath.Length > LongestText || entry.ProcessUnit.Length > LongestText || entry.Users.Any(user => user.Length is 0 or > LongestText))
        {
            Add(problems, "bad-text", path, $"A process or user condition is empty or longer than {LongestText} characters.");
        }

        var process = entry.ProcessPath.Length + entry.ProcessUnit.Length == 0
            ? null
            : new ProcessCondition(NullIfEmpty(entry.ProcessPath), NullIfEmpty(entry.ProcessUnit));
        var decoded = new HostEntry(
            Direction(entry.Direction, path, problems),
            Action(entry.Action, path, problems),
            new RuleId(entry.Rule),
            entry.Peers,
            Ports(entry.Ports, $"{path}.ports", problems),
            process,
            entry.Users.ToEquatableArray(),
            entry.UnidentifiedMatches)
        {
            Stateless = entry.Stateless,
            Helper = ConnectionHelper.Find(entry.Helper),
        };
        if (decoded is { Stateless: true, CanBeStateless: false })
        {
            Add(problems, "bad-stateless", $"{path}.stateless", "Only an allow on ports of TCP and UDP that asks for no process or user can be stateless.");
        }

        if (entry.Helper.Length > 0 && (decoded.Helper is null || !decoded.CanHave(decoded.Helper)))
        {
            Add(problems, "bad-helper", $"{path}.helper", $"Only an allow that asks for no process or user, on at most {ConnectionHelper.MostPorts} ports by number, of protocols that a helper known here can follow, can have it.");
        }

        return decoded;
    }

    private static EquatableArray<PeerSet> PeerSets(RepeatedField<Wire.PeerSet> sets, List<Diagnostic> problems)
    {
        if (sets.Sum(set => (long)set.Members.Count) is > MostMembers and var members)
        {
            Add(problems, "too-many", "peerSets", $"{members} members in all; this agent takes at most {MostMembers}.");
            return [];
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        return sets.Select((set, i) =>
        {
            if (set.Name.Length is 0 or > LongestName || !set.Name.All(char.IsAsciiLetterOrDigit) || !seen.Add(set.Name))
            {
                Add(problems, "bad-name", $"peerSets[{i}].name", $"A peer set's name is unique and has 1 to {LongestName} letters and digits.");
            }

            var members = AddressMembers.Of(Prefixes(set.Members, $"peerSets[{i}].members", problems));
            if (members.Digest != set.Digest)
            {
                Add(problems, "bad-digest", $"peerSets[{i}].digest", "The digest is not that of the members: some are missing or wrong.");
            }

            return new PeerSet(set.Name, members);
        }).ToEquatableArray();
    }

    private static EquatableArray<ControllerEndpoint> Controllers(RepeatedField<Wire.ControllerEndpoint> endpoints, List<Diagnostic> problems) =>
        endpoints.Select((endpoint, i) =>
        {
            if (!IpAddress.TryRead(endpoint.Address.Span, out var address) || endpoint.Port is 0 or > ushort.MaxValue)
            {
                Add(problems, "bad-controller", $"controllers[{i}]", $"{endpoint.Address.Length} bytes with port {endpoint.Port} are no address and port.");
            }

            return new ControllerEndpoint(address, (ushort)endpoint.Port);
        }).Order().ToEquatableArray();

    private static EquatableArray<IpPrefix> Prefixes(RepeatedField<Wire.Prefix> prefixes, string path, List<Diagnostic> problems)
    {
        var result = new IpPrefix[prefixes.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var wire = prefixes[i];
            if (!IpAddress.TryRead(wire.Address.Span, out var address)
                || wire.Length > 128
                || !IpPrefix.TryCreate(address, (int)wire.Length, out result[i]))
            {
                Add(problems, "bad-prefix", $"{path}[{i}]", $"{wire.Address.Length} bytes with length {wire.Length} are no prefix with zero host bits.");
            }
            else if (i > 0 && (result[i - 1].Overlaps(result[i]) || result[i - 1].CompareTo(result[i]) > 0))
            {
                Add(problems, "not-canonical", $"{path}[{i}]", $"{result[i]} does not follow {result[i - 1]}: prefixes are sorted and disjoint.");
            }
        }

        return result.ToEquatableArray();
    }

    private static EquatableArray<PortMatch> Ports(RepeatedField<Wire.PortMatch> ports, string path, List<Diagnostic> problems)
    {
        var result = new PortMatch[ports.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var wire = ports[i];
            var any = wire is { Protocol: 0, First: 0, Last: ushort.MaxValue };
            if (any)
            {
                result[i] = PortMatch.Any;
            }
            else if (wire.Protocol is 0 or > byte.MaxValue || wire.First > ushort.MaxValue || wire.Last > ushort.MaxValue
                || !PortMatch.TryCreate((byte)wire.Protocol, (int)wire.First, (int)wire.Last, out result[i]))
            {
                Add(problems, "bad-port", $"{path}[{i}]", $"Protocol {wire.Protocol} with {wire.First} to {wire.Last} is no range of ports.");
            }
        }

        return result.Order().ToEquatableArray();
    }

    private static EnforcementMode Mode(Wire.Mode mode, string path, List<Diagnostic> problems)
    {
        switch (mode)
        {
            case Wire.Mode.Visibility: return EnforcementMode.Visibility;
            case Wire.Mode.Selective: return EnforcementMode.Selective;
            case Wire.Mode.Full: return EnforcementMode.Full;
            default:
                Add(problems, "bad-mode", path, $"'{mode}' is no enforcement mode.");
                return default;
        }
    }

    private static Direction Direction(Wire.Direction direction, string path, List<Diagnostic> problems)
    {
        switch (direction)
        {
            case Wire.Direction.Inbound: return Policy.Rules.Direction.Inbound;
            case Wire.Direction.Outbound: return Policy.Rules.Direction.Outbound;
            default:
                Add(problems, "bad-direction", $"{path}.direction", $"'{direction}' is no direction.");
                return default;
        }
    }

    private static RuleAction Action(Wire.Action action, string path, List<Diagnostic> problems)
    {
        switch (action)
        {
            case Wire.Action.OverrideDeny: return RuleAction.OverrideDeny;
            case Wire.Action.Allow: return RuleAction.Allow;
            case Wire.Action.Deny: return RuleAction.Deny;
            default:
                Add(problems, "bad-action", $"{path}.action", $"'{action}' is no action.");
                return default;
        }
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static void Add(List<Diagnostic> problems, string code, string path, string message)
    {
        if (problems.Count < MostProblems)
        {
            problems.Add(Diagnostic.Error(code, path, message));
        }
    }
}
