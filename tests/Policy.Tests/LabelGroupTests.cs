using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Tests;

public class LabelGroupTests
{
    private static readonly LabelGroupDocument[] Groups =
    [
        new() { Name = "nonprod", Key = "env", Values = ["dev"], Groups = ["testing"] },
        new() { Name = "testing", Key = "env", Values = ["qa", "test"] },
    ];

    [Theory]
    [InlineData("env=@nonprod", "env=dev|qa|test")]
    [InlineData("env!=@testing|prod", "env!=prod|qa|test")]
    [InlineData("role=web,env=@testing|qa", "env=qa|test,role=web")]
    [InlineData("env=@nonprod,env!=@testing", "env!=qa|test,env=dev|qa|test")]
    public void A_group_stands_for_its_values(string written, string means) =>
        Assert.Equal(means, With(written, Groups).Parse().Modes[0].Selector.ToString());

    [Theory]
    [InlineData("env=@prod", "unknown-label-group")]
    [InlineData("role=@nonprod", "other-label-key")]
    [InlineData("env=@testing,env!=@nonprod", "never-matches")]
    [InlineData("env=dev,env!=dev", "never-matches")]
    public void A_selector_that_cannot_use_a_group_says_why(string written, string code)
    {
        var problem = Assert.Single(With(written, Groups).Problems());
        Assert.Equal((code, "modes[0].selector"), (problem.Code, problem.Path));
    }

    public static TheoryData<string, object> BadGroups() => new()
    {
        { "unknown-label-key labelGroups[g].key", new LabelGroupDocument { Name = "g", Key = "tier", Values = ["x"] } },
        { "empty-group labelGroups[g]", new LabelGroupDocument { Name = "g", Key = "env" } },
        { "bad-label-value labelGroups[g].values[1]", new LabelGroupDocument { Name = "g", Key = "env", Values = ["x", "@nonprod"] } },
        { "unknown-label-group labelGroups[g].groups[0]", new LabelGroupDocument { Name = "g", Key = "env", Groups = ["@nonprod"] } },
        { "other-label-key labelGroups[g].groups[0]", new LabelGroupDocument { Name = "g", Key = "role", Groups = ["nonprod"] } },
        { "group-cycle labelGroups[g].groups", new LabelGroupDocument { Name = "g", Key = "env", Values = ["x"], Groups = ["g"] } },
        { "bad-name labelGroups[g|h].name", new LabelGroupDocument { Name = "g|h", Key = "env", Values = ["x"] } },
        { "duplicate-name labelGroups[testing]", new LabelGroupDocument { Name = "testing", Key = "env", Values = ["x"] } },
    };

    [Theory]
    [MemberData(nameof(BadGroups))]
    public void A_broken_group_is_told_once_at_its_own_place(string expected, object group)
    {
        var name = ((LabelGroupDocument)group).Name;
        var used = LabelText.IsValue(name) && name != "testing" ? $"{((LabelGroupDocument)group).Key}=@{name}" : "all";
        var problems = With(used == "tier=@g" ? "all" : used, [.. Groups, (LabelGroupDocument)group]).Problems();
        Assert.Equal([expected], problems.Select(p => $"{p.Code} {p.Path}"));
    }

    [Fact]
    public void A_cycle_is_told_once_and_those_who_wait_for_it_are_not_blamed()
    {
        var problem = Assert.Single(With("env=@a",
            new() { Name = "a", Key = "env", Groups = ["b"] },
            new() { Name = "b", Key = "env", Groups = ["c"] },
            new() { Name = "c", Key = "env", Groups = ["b"], Values = ["x"] }).Problems());
        Assert.Equal("group-cycle", problem.Code);
        Assert.Contains("b → c → b", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_may_be_deep_but_not_blow_up()
    {
        LabelGroupDocument[] chain = [.. Enumerable.Range(0, 20_000).Select(i => new LabelGroupDocument { Name = $"g{i}", Key = "env", Values = i == 0 ? ["x"] : [], Groups = i == 0 ? [] : [$"g{i - 1}"] })];
        Assert.Equal("env=x", With("env=@g19999", chain).Parse().Modes[0].Selector.ToString());
        chain[0] = chain[0] with { Values = [.. Enumerable.Range(0, 100).Select(i => $"v{i}")] };
        Assert.Equal("groups-too-large", Assert.Single(With("all", chain).Problems()).Code);
    }

    [Fact]
    public void A_repeated_scope_key_says_when_nothing_could_ever_match()
    {
        var message = Assert.Single(new World().Ruleset("r", "env=prod", Write.Allow("env=dev", "role=db", "any")).Problems()).Message;
        Assert.Contains("could never match", message, StringComparison.Ordinal);
        message = Assert.Single(new World().Ruleset("r", "env=prod|dev", Write.Allow("env=dev", "role=db", "any")).Problems()).Message;
        Assert.DoesNotContain("could never match", message, StringComparison.Ordinal);
    }

    private static World With(string selector, params LabelGroupDocument[] groups)
    {
        var world = new World().Modes(selector, "full", "full");
        world.Document = world.Document with { LabelGroups = groups };
        return world;
    }
}
