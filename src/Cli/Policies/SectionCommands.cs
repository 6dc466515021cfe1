using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Documents;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead rulesets</c>, <c>services</c>, <c>networks</c>, <c>label-groups</c>, <c>modes</c>, <c>fail-safe</c>, <c>plans</c> and <c>assertions</c>: the sections of the draft.</summary>
internal static class SectionCommands
{
    private static readonly Argument<string> Selector = new("SELECTOR") { Description = "Which workloads, such as app=shop,env=prod." };
    private static readonly Option<ModeName?> Inbound = CommonOptions.Choice<ModeName>("--inbound", "For connections to them.");
    private static readonly Option<ModeName?> Outbound = CommonOptions.Choice<ModeName>("--outbound", "For connections from them.");

    public static Command Rulesets(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.Rulesets,
        "Scopes and their rules, in the draft.",
        ["name", "scopes", "rules", "description"],
        ruleset => [ruleset.Name, string.Join("  or  ", ruleset.Scopes.Select(Scope)), ruleset.Rules.Count.Text(), ruleset.Description],
        RulesetSheet);

    public static Command Services(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.Services,
        "Named ports, in the draft.",
        ["name", "ports", "process", "stateless", "helper"],
        service => [service.Name, string.Join(' ', service.Ports), Process(service.Process), service.Stateless ? "yes" : "", service.Helper ?? ""]);

    public static Command Networks(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.Networks,
        "Named addresses, in the draft.",
        ["name", "addresses", "except"],
        network => [network.Name, string.Join(' ', network.Addresses.Concat(network.Fqdn)), string.Join(' ', network.Exclude)]);

    public static Command LabelGroups(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.LabelGroups,
        "Named sets of label values, in the draft.",
        ["name", "key", "values", "groups"],
        group => [group.Name, group.Key, string.Join(' ', group.Values), string.Join(' ', group.Groups)]);

    public static Command Assertions(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.Assertions,
        "What must never, or must always, be possible, in the draft.",
        ["name", "says", "from", "to", "services", "owner", "reason"],
        assertion => (assertion.Never ?? assertion.Must) is { } asserted
            ? [assertion.Name, assertion.Never is null ? "must" : "never", asserted.From, asserted.To, string.Join(' ', asserted.Services), assertion.Owner, assertion.Reason]
            : [assertion.Name, "", "", "", "", assertion.Owner, assertion.Reason]);

    public static Command Plans(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.Plans,
        "In which networks workloads have their addresses, in the draft.",
        ["selector", "networks"],
        plan => [plan.Selector, string.Join(' ', plan.Networks)]);

    public static Command FailSafe(CliHost host) => SectionCommand.Create(
        host,
        PolicySections.FailSafe,
        "Inbound connections that no policy can cut, in the draft.",
        ["network", "ports"],
        entry => [entry.Network, string.Join(' ', entry.Ports)]);

    public static Command Modes(CliHost host)
    {
        var modes = SectionCommand.Create(
            host,
            PolicySections.Modes,
            "Enforcement modes by selector, in the draft; the strictest match wins.",
            ["selector", "inbound", "outbound"],
            mode => [mode.Selector, mode.Inbound, mode.Outbound]);
        var set = new Command("set", "Set the mode for a selector; a direction that is not named stays as it is.").With(Selector, Inbound, Outbound);
        set.Validators.Add(result =>
        {
            if (result.GetResult(Inbound) is null && result.GetResult(Outbound) is null)
            {
                result.AddError("Name a direction: --inbound MODE, --outbound MODE, or both.");
            }
        });
        return modes.With(set.Runs(host, call => DraftEdit.ApplyAsync(call, draft => PolicySections.Modes.Merge(draft, new() { Modes = [ModeOf(call, draft)] }))));
    }

    private static ModeDocument ModeOf(Call call, PolicyDocument draft)
    {
        var selector = call.Value(Selector);
        var mode = draft.Modes.FirstOrDefault(known => known.Selector == selector) ?? new ModeDocument { Selector = selector };
        return mode with
        {
            Inbound = call.Value(Inbound) is { } inbound ? Words.Name(inbound) : mode.Inbound,
            Outbound = call.Value(Outbound) is { } outbound ? Words.Name(outbound) : mode.Outbound,
        };
    }

    private static void RulesetSheet(Call call, RulesetDocument ruleset)
    {
        var console = call.Terminal.Out;
        console.WriteLine(ruleset.Description is { } description ? $"{ruleset.Name}: {description}" : ruleset.Name);
        foreach (var scope in ruleset.Scopes)
        {
            console.WriteLine($"scope {Scope(scope)}");
        }

        console.WriteLine();
        var listing = new Listing("rule", "action", "from", "to", "services", "within", "conditions", "owner", "expires", "reason");
        foreach (var rule in ruleset.Rules)
        {
            listing.Row(
                rule.Id.Text(),
                Action(rule.Action),
                rule.From,
                rule.To,
                string.Join(' ', rule.Services),
                rule.Within,
                Conditions(rule),
                rule.Owner,
                rule.Expires is { } expires ? expires.Ago(call.Now) : "",
                rule.Ticket is null ? rule.Reason : $"{rule.Reason} ({rule.Ticket})");
        }

        listing.WriteTo(console, "It has no rules.");
    }

    private static Cell Action(string action) => new(action, new Style(action == "allow" ? Color.Green : Color.Red));

    private static string Scope(ScopeDocument scope) => scope.Per.Count == 0 ? scope.Selector : $"{scope.Selector} per {string.Join(',', scope.Per)}";

    private static string Conditions(RuleDocument rule) =>
        string.Join("; ", new[] { rule.FromProcess is null ? "" : $"from process {Process(rule.FromProcess)}", rule.Users.Count == 0 ? "" : $"users {string.Join(',', rule.Users)}" }.Where(text => text.Length > 0));

    private static string Process(ProcessDocument? process) =>
        process is null ? "" : string.Join(' ', new[] { process.Path, process.Unit }.Where(part => part is not null));
}
