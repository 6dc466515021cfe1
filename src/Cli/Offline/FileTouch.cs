using Bulkhead.Cli.Output;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>Which workloads a rule touches.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Consumers">Names of the workloads that its consumer's end chooses; null if that is a network.</param>
/// <param name="Providers">Names of those of its provider's end; null if that is a network.</param>
/// <param name="Hosts">Names of the hosts that hold it.</param>
/// <param name="Without">Hosts that go without it, and why.</param>
internal sealed record FileTouch(RuleView Rule, IReadOnlyList<string>? Consumers, IReadOnlyList<string>? Providers, IReadOnlyList<string> Hosts, IReadOnlyList<MissingRule> Without)
{
    private const int Shown = 20;

    /// <summary>Null if there is no such rule, or it has expired.</summary>
    public static FileTouch? Of(PolicyFolder folder, CompiledPolicy compiled, RuleId rule)
    {
        if (RuleTouch.Of(compiled, rule) is not { } touch)
        {
            return null;
        }

        var view = RuleView.Of(folder, rule);
        return new(
            view, touch.Consumers is null ? null : Names(touch.Consumers), touch.Providers is null ? null : Names(touch.Providers), Names(touch.Hosts),
            [.. touch.Without.Select(missing => new MissingRule(NameOf(missing.Host), Words.Name(missing.Direction), view, missing.Reason))]);

        List<string> Names(IEnumerable<WorkloadId> ids) => [.. ids.Select(NameOf).Order(StringComparer.Ordinal)];
        string NameOf(WorkloadId id) => compiled.Workloads.Find(id)!.Name;
    }

    /// <summary>As people read it.</summary>
    public void WriteTo(Terminal terminal)
    {
        Listing.Facts()
            .Row("rule", $"{Rule.Action} {Rule.From} to {Rule.To}")
            .Row("written", Rule.ToString())
            .Row("consumers", Consumers is null ? Rule.From : Text(Consumers))
            .Row("providers", Providers is null ? Rule.To : Text(Providers))
            .Row("held by", Text(Hosts))
            .WriteTo(terminal.Out, "");
        foreach (var missing in Without.Take(Shown))
        {
            terminal.Out.Write(new Spectre.Console.Text($"left out: {missing.Reason}\n"));
        }

        if (Without.Count > Shown)
        {
            terminal.Note($"left out: {Without.Count - Shown} more; see --output json");
        }
    }

    private static string Text(IReadOnlyList<string> names) => names.Count == 0 ? "nobody"
        : $"{names.Count}: {string.Join(' ', names.Take(Shown))}{(names.Count > Shown ? " …" : "")}";
}
