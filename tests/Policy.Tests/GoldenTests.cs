using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;
using Bulkhead.Policy.Tests.Golden;
using Bulkhead.Policy.Tests.Naive;

namespace Bulkhead.Policy.Tests;

/// <summary>The scenarios that read as the specification: their verdicts are the engine's and the naive evaluator's.</summary>
public class GoldenTests
{
    public static TheoryData<string> Names() => [.. Scenario.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_verdicts_are_those_that_the_scenario_says(string name)
    {
        var scenario = Scenario.Load(name);
        Assert.True(scenario.Expected.Verdicts.Count >= 4, "a scenario has at least four verdicts");
        foreach (var expected in scenario.Expected.Verdicts)
        {
            var estate = scenario.Estate with { Now = expected.At ?? scenario.Estate.Now };
            var connection = Connect(estate, expected);
            var (actual, naive) = (new PolicyEvaluator(estate.Compile()).Judge(connection), new NaiveEvaluator(estate).Judge(connection));
            var wanted = $"{expected.From} → {expected.To} {expected.On}: {expected.Verdict}; source {expected.Source}; destination {expected.Destination}";
            Assert.Equal(wanted, $"{expected.From} → {expected.To} {expected.On}: {Text(actual.Kind)}; source {Text(actual.Source)}; destination {Text(actual.Destination)}");
            Assert.Equal(wanted, $"{expected.From} → {expected.To} {expected.On}: {Text(naive.Kind)}; source {Text(naive.Source)}; destination {Text(naive.Destination)}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_left_out_is_what_the_scenario_says(string name)
    {
        var scenario = Scenario.Load(name);
        var compiled = scenario.Estate.Compile();
        Assert.Equal(
            scenario.Expected.LeftOut ?? [],
            compiled.LeftOut.Select(l => $"rule {l.Rule} at {compiled.Workloads.Find(l.Host)!.Name}, {l.Direction.ToString().ToLowerInvariant()}").Distinct());
        Assert.Equal(scenario.Expected.Diagnostics ?? [], compiled.Diagnostics.Select(d => d.Code));
    }

    private static Connection Connect(Estate estate, ExpectedVerdict expected)
    {
        var problems = new List<Diagnostic>();
        var port = PortText.Parse(expected.On, "on", problems);
        Assert.Empty(problems);
        return new(AddressSpace.Default, Address(expected.From), Address(expected.To), port!.Value.Protocol, port.Value.First, Facts(expected.Consumer), Facts(expected.Provider));

        IpAddress Address(string end) => IpAddress.TryParse(end, out var literal)
            ? literal
            : estate.Workloads.Single(w => w.Name == end).Addresses.First(a => a.Address.IsV6 == expected.V6).Address;
    }

    private static SocketFacts Facts(SocketLine? socket) =>
        socket is null ? SocketFacts.Unrecorded
        : socket.Unidentified ? SocketFacts.Unidentified
        : SocketFacts.Of(socket.Path, socket.Unit, socket.Groups?.Order(StringComparer.Ordinal).ToEquatableArray());

    private static string Text(VerdictKind kind) => kind switch
    {
        VerdictKind.PotentiallyBlocked => "potentially blocked",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private static string Text(EndDecision? end) => end is null ? "" : Text(end.Outcome, end.By, end.Rule?.Value);

    private static string Text(NaiveEnd? end) => end is null ? "" : Text(end.Outcome, end.By, end.By == DecidedBy.Rule ? end.Rules[0] : null);

    private static string Text(Outcome outcome, DecidedBy by, long? rule) =>
        $"{outcome.ToString().ToLowerInvariant()} by {by.ToString().ToLowerInvariant()}{(rule is { } id ? $" {id}" : "")}";
}
