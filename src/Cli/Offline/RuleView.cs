using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>A rule of a file, for programs.</summary>
/// <param name="Id">Its id; a provisional one if none is written.</param>
/// <param name="Ruleset">The ruleset that it stands in.</param>
/// <param name="File">Where it is written.</param>
/// <param name="Line">From 1.</param>
/// <param name="Action"><c>allow</c>, <c>deny</c> or <c>override-deny</c>.</param>
/// <param name="From">The consumer.</param>
/// <param name="To">The provider.</param>
/// <param name="Owner">Who answers for it.</param>
internal sealed record RuleView(long Id, string Ruleset, string File, int Line, string Action, string From, string To, string? Owner)
{
    public static RuleView Of(PolicyFolder folder, RuleId id)
    {
        var source = folder.Rule(id)!;
        return new(id.Value, source.Ruleset.Name, source.At.File, source.At.Line, source.Rule.Action, source.Rule.From, source.Rule.To, source.Rule.Owner);
    }

    /// <summary>As people name it: by its place.</summary>
    public override string ToString() => $"{File}:{Line}, ruleset {Ruleset}{(Owner is null ? "" : $", owner {Owner}")}";
}
