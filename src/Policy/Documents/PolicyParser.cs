using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>Checks a policy as written and turns it into a model; all problems are reported at once.</summary>
public sealed class PolicyParser
{
    /// <summary>The network that may reach quarantined workloads, where it is declared.</summary>
    public const string RespondersNetwork = "responders";

    private readonly PolicyDocument _written;
    private readonly PolicyDocument _document;
    private readonly List<Diagnostic> _problems = [];

    private readonly Dictionary<string, int> _withMode = new(StringComparer.Ordinal);
    private readonly ParsedPolicy? _previous;

    private PolicyParser(PolicyDocument document, IReadOnlySet<string> labelKeys, ParsedPolicy? previous)
    {
        _written = document;
        _document = RuleIds.Assign(document);
        _previous = previous;
        Names = new(document, labelKeys, _problems);
        LabelKeys = labelKeys;
    }

    private NamedObjects Names { get; }

    private IReadOnlySet<string> LabelKeys { get; }

    /// <summary>Parses a document.</summary>
    /// <param name="document">The text form.</param>
    /// <param name="labelKeys">All label keys that exist, built-in ones included.</param>
    /// <param name="previous">
    /// What was parsed before, or null. Rulesets that are the very same objects as in it are not parsed again, and their models stay the same
    /// objects, as long as all that they may refer to is unchanged. The result equals that of parsing everything.
    /// </param>
    public static Checked<PolicyModel> Parse(PolicyDocument document, IReadOnlySet<string> labelKeys, ParsedPolicy? previous = null)
    {
        var parser = new PolicyParser(document, labelKeys, previous);
        var model = parser.ParseAll();
        return new(parser._problems.Any(p => p.Severity == Severity.Error) ? null : model, parser._problems);
    }

    private PolicyModel ParseAll()
    {
        var paths = new ObjectPaths("rulesets", _document.Rulesets.Select(r => r.Name), _problems);
        RuleIds.Check(_written, paths, _problems);
        RuleWarnings.Check(_document, paths, Names, _problems);
        var known = _previous?.Reusable(_document, LabelKeys);
        var rulesets = _document.Rulesets.Select((ruleset, i) => known?.GetValueOrDefault(ruleset) ?? ParseRuleset(ruleset, paths[i])).ToList();
        var asserted = new ObjectPaths("assertions", _document.Assertions.Select(a => a.Name), _problems);
        var assertions = new AssertionParser(Names, _problems);
        HelperWarnings.Check(rulesets.OfType<Ruleset>(), _problems);
        return new()
        {
            Rulesets = rulesets.OfType<Ruleset>().OrderBy(r => r.Name, StringComparer.Ordinal).ToEquatableArray(),
            Modes = _document.Modes.Select(ParseMode).OfType<ModeAssignment>()
                .OrderBy(m => m.Selector.ToString(), StringComparer.Ordinal).ThenBy(m => m.Modes.Inbound).ThenBy(m => m.Modes.Outbound).ThenBy(m => m.Written, StringComparer.Ordinal).ToEquatableArray(),
            FailSafe = _document.FailSafe.Select(ParseFailSafe).OfType<FailSafe>()
                .OrderBy(f => f.Network.Name, StringComparer.Ordinal).ToEquatableArray(),
            Plans = _document.Plans.Select(assertions.Parse).OfType<LabelPlan>()
                .OrderBy(p => p.Selector.ToString(), StringComparer.Ordinal).ThenBy(p => string.Join(',', p.Networks.Select(n => n.Name)), StringComparer.Ordinal).ThenBy(p => p.Written, StringComparer.Ordinal).ToEquatableArray(),
            Assertions = _document.Assertions.Select((assertion, i) => assertions.Parse(assertion, asserted[i])).OfType<Assertion>().OrderBy(a => a.Name, StringComparer.Ordinal).ToEquatableArray(),
            Responders = Names.Networks.GetValueOrDefault(RespondersNetwork),
        };
    }

    private Ruleset? ParseRuleset(RulesetDocument ruleset, string path)
    {
        var before = _problems.Count;
        if (ruleset.Scopes.Count == 0)
        {
            _problems.Add(Diagnostic.Error("no-scope", $"{path}.scopes", "A ruleset needs a scope. Write a selector such as app=shop,env=prod, or all."));
        }

        var scopes = ruleset.Scopes.Select((scope, i) => ParseScope(scope, $"{path}.scopes[{i}]")).ToList();
        var rules = new RuleParser(Names, scopes.OfType<Scope>().ToList(), _problems);
        var parsed = ruleset.Rules.Select((rule, i) => rules.Parse(rule, $"{path}.rules[{i}]")).ToList();
        return _problems.Skip(before).Any(p => p.Severity == Severity.Error)
            ? null
            : new(ruleset.Name, scopes.OfType<Scope>().ToEquatableArray(), parsed.OfType<Rule>().OrderBy(r => r.Id).ToEquatableArray());
    }

    private Scope? ParseScope(ScopeDocument scope, string path)
    {
        var selector = Names.ParseSelector(scope.Selector, $"{path}.selector", _problems);
        foreach (var key in scope.Per.Where(key => !LabelKeys.Contains(key)))
        {
            _problems.Add(Diagnostic.Error("unknown-label-key", $"{path}.per", $"There is no label key '{key}'. Declare it first, or correct the name."));
        }

        return selector is null ? null : new(selector, scope.Per.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray());
    }

    private ModeAssignment? ParseMode(ModeDocument mode, int index)
    {
        var path = $"modes[{index}]";
        var selector = Names.ParseSelector(mode.Selector, $"{path}.selector", _problems);
        var both = mode.Mode is null ? EnforcementMode.Visibility : ParseModeName(mode.Mode, $"{path}.mode");
        var inbound = ParseModeName(mode.Inbound, $"{path}.inbound");
        var outbound = ParseModeName(mode.Outbound, $"{path}.outbound");
        if (selector is not null && !_withMode.TryAdd(selector.ToString(), index))
        {
            _problems.Add(Diagnostic.Warning("repeated-mode", path, $"'{selector}' has a mode at modes[{_withMode[selector.ToString()]}] already; in each direction the stricter one counts. Join the two."));
        }

        return selector is null || both is null || inbound is null || outbound is null ? null : new(selector, Modes.Stricter(new(both.Value, both.Value), new(inbound.Value, outbound.Value))) { Written = mode.Selector };
    }

    private EnforcementMode? ParseModeName(string? name, string path)
    {
        var mode = ModeNames.Parse(name);
        if (mode is null)
        {
            _problems.Add(Diagnostic.Error("bad-mode", path, $"'{name}' is not an enforcement mode. Write visibility, selective or full."));
        }

        return mode;
    }

    private FailSafe? ParseFailSafe(FailSafeDocument entry, int index)
    {
        var path = $"failSafe[{index}]";
        var network = Names.FindNetwork(entry.Network, $"{path}.network", _problems);
        var ports = ParsePorts(entry.Ports, $"{path}.ports", _problems);
        if (network is { Fqdn.Count: > 0 })
        {
            _problems.Add(Diagnostic.Error("fail-safe-with-fqdn", $"{path}.network", $"The network '{entry.Network}' has domain names, which nothing opens yet. Fail-safe needs a network of addresses only."));
        }

        return network is null || ports is null ? null : new(network, ports.Value);
    }

    /// <summary>Parses a list of ports that must not be empty.</summary>
    internal static EquatableArray<PortMatch>? ParsePorts(IReadOnlyList<string> texts, string path, List<Diagnostic> problems)
    {
        if (texts.Count == 0)
        {
            problems.Add(Diagnostic.Error("no-ports", path, "At least one port is needed, such as tcp/443; any means every protocol and port."));
            return null;
        }

        var ports = texts.Select((text, i) => PortText.Parse(text, $"{path}[{i}]", problems)).ToList();
        return ports.Any(p => p is null) ? null : ports.Select(p => p!.Value).Distinct().Order().ToEquatableArray();
    }
}
