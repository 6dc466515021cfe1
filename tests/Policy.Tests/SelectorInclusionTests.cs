using Bulkhead.Policy.Labels;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Policy.Tests;

/// <summary>Whether one selector lies within another.</summary>
public class SelectorInclusionTests
{
    private static readonly string[] s_keys = ["app", "role"];
    private static readonly string[] s_values = ["a", "b", "c"];

    /// <summary>All labels over two keys; a value that no selector names stands for all others.</summary>
    private static readonly LabelSet[] s_labels =
        [.. from app in (string?[])[null, .. s_values, "other"] from role in (string?[])[null, .. s_values, "other"] select Labels(("app", app), ("role", role))];

    [Theory]
    // outer                inner                       within
    [InlineData("all", "app=a", true)]
    [InlineData("app=a", "all", false)]
    [InlineData("app=a", "app=a,role=b", true)]
    [InlineData("app=a", "role=b", false)]
    [InlineData("app=a|b", "app=b", true)]
    [InlineData("app=a", "app=a|b", false)]
    [InlineData("app=a", "app=a|b,app!=b", true)]
    [InlineData("app!=a", "app=b", true)]
    [InlineData("app!=a", "role=b", false)]
    [InlineData("app!=a", "app!=a|b", true)]
    [InlineData("app!=a|b", "app!=a", false)]
    [InlineData("app=*", "app=a", true)]
    [InlineData("app=*", "app!=a", false)]
    [InlineData("app=*", "app=*,app!=a", true)]
    public void A_selector_lies_within_another(string outer, string inner, bool within) => Assert.Equal(within, Parse(outer).Includes(Parse(inner)));

    [Fact]
    public void One_lies_within_another_exactly_if_all_labels_that_it_matches_are_matched_there() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3000),
        Prop.ForAll(Selectors().ToArbitrary(), Selectors().ToArbitrary(), (outer, inner) =>
            outer.Includes(inner) == s_labels.All(labels => !inner.Matches(labels) || outer.Matches(labels))));

    private static Gen<Selector> Selectors() =>
        from count in Gen.Choose(0, 4)
        from requirements in Requirements().ArrayOf(count)
        select count == 0 ? Selector.All : Selector.Of(requirements);

    private static Gen<Requirement> Requirements() =>
        from key in Gen.Elements(s_keys)
        from kind in Gen.Elements(Enum.GetValues<RequirementKind>())
        from values in Gen.SubListOf(s_values)
        let kept = values.DefaultIfEmpty(s_values[0]).Order(StringComparer.Ordinal)
        select new Requirement(key, kind, kind == RequirementKind.Exists ? [] : kept.ToEquatableArray());

    private static LabelSet Labels(params (string Key, string? Value)[] labels) =>
        LabelSet.Of(labels.Where(label => label.Value is not null).Select(label => new Label(label.Key, label.Value!)));

    private static Selector Parse(string text)
    {
        var problems = new List<Diagnostic>();
        var parsed = SelectorText.Parse(text, "selector", World.Keys, problems);
        Assert.Empty(problems);
        return parsed!;
    }
}
