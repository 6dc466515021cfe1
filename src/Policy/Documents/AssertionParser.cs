using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>Checks assertions, and the label plans that proofs about networks rest on.</summary>
internal sealed class AssertionParser(NamedObjects names, List<Diagnostic> problems)
{
    public Assertion? Parse(AssertionDocument assertion, string path)
    {
        var before = problems.Count;
        if (assertion is { Never: null, Must: null } or { Never: not null, Must: not null })
        {
            problems.Add(Diagnostic.Error("bad-assertion", path, "An assertion says either never or must. Write one of the two; two statements are two assertions."));
            return null;
        }

        if (assertion.Helpers is not ("count" or "accept"))
        {
            problems.Add(Diagnostic.Error("bad-helpers", $"{path}.helpers", "Write count or accept."));
        }

        if (assertion is { Must: not null, Helpers: "accept" })
        {
            problems.Add(Diagnostic.Warning("useless-field", $"{path}.helpers", "What helpers let be agreed upon fulfils no must and is counted for none. Remove it."));
        }

        var kind = assertion.Never is null ? AssertionKind.Must : AssertionKind.Never;
        path = $"{path}.{(kind == AssertionKind.Never ? "never" : "must")}";
        var asserted = assertion.Never ?? assertion.Must!;
        var from = names.ParseEnd(asserted.From, $"{path}.from", problems);
        var to = names.ParseEnd(asserted.To, $"{path}.to", problems);
        var services = names.FindServices(asserted.Services, $"{path}.services", problems);
        var process = asserted.FromProcess is null ? null : NamedObjects.ParseProcess(asserted.FromProcess, $"{path}.fromProcess", problems);
        var users = NamedObjects.ParseUsers(asserted.Users, $"{path}.users", problems);
        if (from is RuleEnd.Addresses && to is RuleEnd.Addresses)
        {
            problems.Add(Diagnostic.Error("no-labelled-end", path, "Both ends are networks, about which no policy says anything. Choose workloads at one end."));
        }

        return from is null || to is null || problems.Count > before ? null : new(assertion.Name, kind, from, to, services, process, users) { AcceptsHelpers = assertion.Helpers == "accept" };
    }

    public LabelPlan? Parse(PlanDocument plan, int index)
    {
        var path = $"plans[{index}]";
        var before = problems.Count;
        var selector = names.ParseSelector(plan.Selector, $"{path}.selector", problems);
        if (plan.Networks.Count == 0)
        {
            problems.Add(Diagnostic.Error("no-networks", $"{path}.networks", "A plan needs a network: the name of one that is declared."));
        }

        var networks = plan.Networks.Select((name, i) => FindPlanned(name, $"{path}.networks[{i}]")).OfType<Network>()
            .DistinctBy(network => network.Name).OrderBy(network => network.Name, StringComparer.Ordinal).ToEquatableArray();
        return selector is null || networks.Count == 0 || problems.Count > before ? null : new(selector, networks) { Written = plan.Selector };
    }

    private Network? FindPlanned(string? name, string path)
    {
        var network = names.FindNetwork(name, path, problems);
        if (network is { Fqdn.Count: > 0 })
        {
            problems.Add(Diagnostic.Error("plan-with-fqdn", path, $"The network '{name}' has domain names, and workloads have addresses. Name a network of addresses only."));
        }

        return network;
    }
}
