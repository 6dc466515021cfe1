using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Load;

namespace Bulkhead.Bench.Dataplane;

/// <summary>A pair with rules, and traffic for it.</summary>
/// <param name="Pair">The two ends.</param>
/// <param name="Traffic">What is sent over it.</param>
/// <param name="Enforces">Whether the rules refuse what they do not allow.</param>
/// <param name="Agents">The agents' processes; none where there are only rules.</param>
/// <param name="Cgroup">Where this process has to be meanwhile; null for anywhere.</param>
internal sealed record Case(VethPair Pair, Traffic Traffic, bool Enforces, IReadOnlyList<int> Agents, OwnCgroup? Cgroup = null)
{
    /// <summary>Samples it, from where it has to be sampled.</summary>
    public Sample Take(Func<Case, Sample> sample) => Cgroup is null ? sample(this) : Cgroup.Inside(() => sample(this));

    /// <summary>Tries every entry once, and what no entry allows: rules that let everything pass, or not all that they should, would be measured in vain.</summary>
    /// <exception cref="BenchException">The rules are not what the case says.</exception>
    public void Verify(string name)
    {
        if (Try(Traffic.Routes) is { } failed)
        {
            throw new BenchException($"{name}: an entry is not allowed: {failed}");
        }

        if (Cgroup is not null && ConnectionLoad.Try(Pair, [Traffic.Routes[0]], Traffic.Ports) is null)
        {
            throw new BenchException($"{name}: {Traffic.Routes[0]} is allowed to what the agent cannot tell the owner of");
        }

        if (Try([Traffic.Forbidden]) is null == Enforces)
        {
            throw new BenchException($"{name}: {Traffic.Forbidden} is {(Enforces ? "allowed, though no entry allows it" : "refused, though nothing is enforced")}");
        }
    }

    private string? Try(IReadOnlyList<Route> routes)
    {
        string? Connect() => ConnectionLoad.Try(Pair, routes, Traffic.Ports);
        return Cgroup is null ? Connect() : Cgroup.Inside(Connect);
    }
}
