using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests;

/// <summary>What passes a bound fails and says so; what reaches it does not.</summary>
public class BoundTests
{
    [Fact]
    public void More_label_sets_than_the_bound_are_refused_with_the_remedy()
    {
        var lattice = new Lattice(maxLabelSets: 3);
        Assert.Equal([0, 1, 2, 2], ((string[])["a", "b", "c", "c"]).Select(role => lattice.Add(Role(role))));
        var error = Assert.Throws<PolicyTooLargeException>(() => lattice.Add(Role("d")));
        Assert.Contains("more than 3 distinct combinations of labels", error.Message, StringComparison.Ordinal);
        Assert.Contains("Take labels off", error.Message, StringComparison.Ordinal);
        Assert.Equal((3, 1), (lattice.LabelSetCount, lattice.Add(Role("b"))));
    }

    [Fact]
    public void More_groups_than_the_bound_are_refused_with_the_remedy()
    {
        var lattice = new Lattice(maxGroups: 2);
        Group Add(string text) => lattice.Add(SelectorText.Parse(text, "", World.Keys, [])!);
        Add("role=a");
        Add("role=b");
        Assert.Contains("more than 2 distinct groups", Assert.Throws<PolicyTooLargeException>(() => Add("role=c")).Message, StringComparison.Ordinal);
        Assert.Equal(1, Add("role=b").Id);
    }

    [Theory]
    // groups, paths, units      kinds of sockets, none if there are too many
    [InlineData(8, 0, 0, 1 + 256)]
    [InlineData(9, 0, 0, 0)]
    [InlineData(0, 63, 0, 1 + 64)]
    [InlineData(0, 64, 0, 0)]
    [InlineData(0, 7, 7, 1 + 64)]
    [InlineData(0, 8, 7, 0)]
    public void Sockets_are_gone_through_up_to_the_bound(int groups, int paths, int units, int kinds)
    {
        Candidate Of(ProcessCondition? process, params string[] users) => new(RuleAction.Allow, new(1), process, [.. users], false, true);
        Candidate[] candidates =
        [
            .. Enumerable.Range(0, groups).Select(i => Of(null, $"g{i}")),
            .. Enumerable.Range(0, paths).Select(i => Of(new($"/bin/{i}", null))),
            .. Enumerable.Range(0, units).Select(i => Of(new(null, $"{i}.service"))),
        ];
        var sockets = PossibleSockets.Of(SocketFacts.Unrecorded, candidates).ToList();
        Assert.Equal(kinds, sockets.Count);
        Assert.Equal(kinds, sockets.Select(socket => (socket.Identified, socket.Path, socket.Unit, string.Join(',', socket.Groups ?? []))).Distinct().Count());
    }

    private static LabelSet Role(string role) => LabelSet.Of(("role", role));
}
