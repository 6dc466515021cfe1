using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// Compiles a policy into one host policy per managed workload, each end holding only what it can decide. Workloads that agree on labels,
/// space, features and modes share one compilation.
/// </summary>
public static class PolicyCompiler
{
    /// <summary>Compiles; equal input gives equal output.</summary>
    public static CompiledPolicy Compile(PolicyModel policy, WorkloadIndex workloads, CompileSettings settings)
    {
        var modes = workloads.Workloads.GroupBy(w => w.Labels).ToDictionary(group => group.Key, group => policy.ModesOf(group.Key));
        Modes ModesOf(Workload workload) => workload.Pin ?? modes[workload.Labels];

        var peers = new PeerSets(workloads, ModesOf);
        var rules = new RuleCompiler(policy, peers, settings.Now);
        var hosts = new Dictionary<WorkloadId, HostPolicy>();
        foreach (var kin in workloads.Workloads.Where(w => w.Managed).GroupBy(w => (w.Labels, w.Space, w.Features, Modes: ModesOf(w))))
        {
            var compiled = rules.For([.. kin]);
            var quarantined = Addresses(workloads.Workloads.Where(w => w.Quarantined), kin.Key.Space);
            foreach (var workload in kin)
            {
                var own = workload.Addresses.Select(a => IpPrefix.Host(a.Address)).ToHashSet();
                hosts.Add(workload.Id, new()
                {
                    Generation = settings.Generation,
                    RequiredFeatures = compiled.Features,
                    Modes = kin.Key.Modes,
                    Quarantined = workload.Quarantined,
                    Responders = policy.Responders?.Prefixes ?? [],
                    QuarantinedPeers = quarantined.Where(prefix => !own.Contains(prefix)).ToEquatableArray(),
                    Controllers = settings.Controllers,
                    FailSafe = policy.FailSafe.Select(f => new FailSafeEntry(f.Network.Prefixes, f.Ports)).ToEquatableArray(),
                    Entries = compiled.Entries,
                    PeerSets = compiled.PeerSets,
                });
            }
        }

        return new(policy, workloads, hosts, [.. rules.Diagnostics.Concat(Unmatched(policy, peers)).Distinct().OrderBy(d => d.Path, StringComparer.Ordinal).ThenBy(d => d.Message, StringComparer.Ordinal)],
            [.. rules.LeftOut.Distinct().OrderBy(l => l.Rule).ThenBy(l => l.Host).ThenBy(l => l.Direction)],
            NextExpiry(policy, settings.Now));
    }

    private static EquatableArray<IpPrefix> Addresses(IEnumerable<Workload> workloads, AddressSpace space) =>
        workloads.SelectMany(w => w.Addresses).Where(a => a.Space == space).Select(a => IpPrefix.Host(a.Address)).Distinct().Order().ToEquatableArray();

    private static DateTimeOffset? NextExpiry(PolicyModel policy, DateTimeOffset now) =>
        policy.Rulesets.SelectMany(r => r.Rules).Select(r => r.Expires).Where(e => e > now).Min();

    /// <summary>No silent rules: an end that chooses no workload today is said.</summary>
    private static IEnumerable<Diagnostic> Unmatched(PolicyModel policy, PeerSets peers)
    {
        foreach (var ruleset in policy.Rulesets)
        {
            foreach (var scope in ruleset.Scopes.Where(scope => !peers.Members(scope.Selector).Any(w => scope.Contains(w.Labels))))
            {
                yield return Diagnostic.Warning("matches-nothing", $"rulesets[{ruleset.Name}].scopes", $"The scope {scope.Selector} holds no workload today.");
            }

            foreach (var rule in ruleset.Rules)
            {
                foreach (var (end, side, bound) in new[] { (rule.From, "from", rule.Within != Within.To), (rule.To, "to", rule.Within != Within.From) })
                {
                    if (end is RuleEnd.Workloads { Selector: var selector }
                        && !ruleset.Scopes.Any(scope => peers.Members(selector).Any(w => !bound || scope.Contains(w.Labels))))
                    {
                        yield return Diagnostic.Warning("matches-nothing", $"rulesets[{ruleset.Name}].rules[id={rule.Id}].{side}", $"'{end}'{(bound ? " within the scope" : "")} chooses no workload today, so the rule does nothing.");
                    }
                }
            }
        }
    }
}
