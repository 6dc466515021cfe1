using Bulkhead.Bench.Harness;
using Bulkhead.Bench.Load;

namespace Bulkhead.Bench.Dataplane;

/// <summary>A pair with rules, and traffic for it.</summary>
/// <param name="Pair">The two ends.</param>
/// <param name="Traffic">What is sent over it.</param>
/// <param name="Enforces">Whether the rules refuse what they do not allow.</param>
/// <param name="Agents">The agents' processes; none where there are only rules.</param>
internal sealed record Case(VethPair Pair, Traffic Traffic, bool Enforces, IReadOnlyList<int> Agents)
{
    /// <summary>Tries every entry once, and what no entry allows: rules that let everything pass, or not all that they should, would be measured in vain.</summary>
    /// <exception cref="BenchException">The rules are not what the case says.</exception>
    public void Verify(string name)
    {
        if (ConnectionLoad.Try(Pair, Traffic.Routes, Traffic.Ports) is { } failed)
        {
            throw new BenchException($"{name}: an entry is not allowed: {failed}");
        }

        if (ConnectionLoad.Try(Pair, [Traffic.Forbidden], Traffic.Ports) is null == Enforces)
        {
            throw new BenchException($"{name}: {Traffic.Forbidden} is {(Enforces ? "allowed, though no entry allows it" : "refused, though nothing is enforced")}");
        }
    }
}
