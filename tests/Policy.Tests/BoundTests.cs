using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Tests;

/// <summary>What passes a bound fails and says so; what reaches it does not.</summary>
public class BoundTests
{
    [Fact]
    public void More_label_sets_than_the_bound_are_refused_with_the_remedy()
    {
        var lattice = new Lattice(maxLabelSets: 3);
        Assert.Equal([0, 1, 2, 2], ((string[])["a", "b", "c", "c"]).Select(role => lattice.Add(LabelSet.Of([new("role", role)]))));
        var error = Assert.Throws<PolicyTooLargeException>(() => lattice.Add(LabelSet.Of([new("role", "d")])));
        Assert.Contains("more than 3 distinct combinations of labels", error.Message, StringComparison.Ordinal);
        Assert.Contains("Take labels off", error.Message, StringComparison.Ordinal);
        Assert.Equal((3, 1), (lattice.LabelSetCount, lattice.Add(LabelSet.Of([new("role", "b")]))));
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
}
