using System.Security.Cryptography;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>Makes each peer set once and shares it among all hosts that use it.</summary>
internal sealed class PeerSets(WorkloadIndex workloads, Func<Workload, Modes> modes)
{
    private readonly Dictionary<string, PeerSet> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<Selector, IReadOnlyList<Workload>> _members = [];
    private readonly ILookup<LabelSet, Workload> _byLabels = workloads.Workloads.Where(w => w.Admitted).ToLookup(w => w.Labels);

    /// <summary>The admitted workloads that a selector chooses, in id order.</summary>
    public IReadOnlyList<Workload> Members(Selector selector)
    {
        if (!_members.TryGetValue(selector, out var members))
        {
            members = [.. _byLabels.Where(group => selector.Matches(group.Key)).SelectMany(group => group).OrderBy(w => w.Id)];
            _members.Add(selector, members);
        }

        return members;
    }

    /// <summary>The addresses in a space of the workloads that a selector chooses.</summary>
    public PeerSet Of(Selector selector, AddressSpace space) =>
        Share($"workloads|{space.Name}|{selector}", () => Addresses(Members(selector), space));

    /// <summary>The same, of those workloads only that enforce features outbound; see <see cref="Enforces"/>.</summary>
    public PeerSet Enforcing(Selector selector, AddressSpace space, IReadOnlyCollection<string> features) =>
        Share($"enforcing|{space.Name}|{string.Join('+', features)}|{selector}", () => Addresses(Members(selector).Where(w => Enforces(w, features)), space));

    /// <summary>The addresses of a network, whoever owns them.</summary>
    public PeerSet Of(Network network) => Share($"network|{network.Name}", () => network.Prefixes);

    /// <summary>Whether a consumer's own agent makes sure that only the right process and user connect: it can decide, and blocks by default.</summary>
    public bool Enforces(Workload consumer, IReadOnlyCollection<string> features) =>
        consumer.Managed && modes(consumer).Outbound == EnforcementMode.Full && features.All(consumer.Features.Contains);

    private static EquatableArray<IpPrefix> Addresses(IEnumerable<Workload> members, AddressSpace space) =>
        members.SelectMany(w => w.Addresses).Where(a => a.Space == space).Select(a => IpPrefix.Host(a.Address)).Distinct().Order().ToEquatableArray();

    private PeerSet Share(string identity, Func<EquatableArray<IpPrefix>> members)
    {
        var name = identity[0] + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)).AsSpan(0, 8));
        if (!_sets.TryGetValue(name, out var set))
        {
            var addresses = members();
            set = new(name, PeerSetDigest.Of(addresses), addresses);
            _sets.Add(name, set);
        }

        return set;
    }
}
