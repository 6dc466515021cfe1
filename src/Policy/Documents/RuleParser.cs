using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>Checks the rules of one ruleset.</summary>
internal sealed class RuleParser(NamedObjects names, IReadOnlyList<Scope> scopes, List<Diagnostic> problems)
{
    private readonly RuleChecks _checks = new(scopes, problems);

    public Rule? Parse(RuleDocument rule, string path)
    {
        var before = problems.Count;
        var from = names.ParseEnd(rule.From, $"{path}.from", problems);
        var to = names.ParseEnd(rule.To, $"{path}.to", problems);
        var action = Choose(rule.Action, $"{path}.action", "bad-action", ("allow", RuleAction.Allow), ("deny", RuleAction.Deny), ("override-deny", RuleAction.OverrideDeny));
        var within = Choose(rule.Within, $"{path}.within", "bad-within", ("both", Within.Both), ("from", Within.From), ("to", Within.To));
        var bestEffort = Choose(rule.Consumer, $"{path}.consumer", "bad-consumer", ("strict", false), ("best-effort", true));
        var unidentified = Choose(rule.Unidentified, $"{path}.unidentified", "bad-unidentified", ("skip", false), ("match", true));
        var unenforceable = Choose(rule.WhereUnenforceable, $"{path}.whereUnenforceable", "bad-where-unenforceable", ("refuse", false), ("skip", true));
        var services = names.FindServices(rule.Services, $"{path}.services", problems);
        var process = rule.FromProcess is null ? null : NamedObjects.ParseProcess(rule.FromProcess, $"{path}.fromProcess", problems);
        var users = NamedObjects.ParseUsers(rule.Users, $"{path}.users", problems);

        _checks.Check(new(from, to, action, within)
        {
            AsksConsumer = rule.FromProcess is not null || rule.Users.Count > 0,
            AsksProvider = services.Any(service => service.Process is not null),
            HelperPorts = services.Where(service => service.Helper is not null).GroupBy(service => service.Helper)
                .Select(same => ConnectionHelper.CountOf(same.SelectMany(service => service.Ports).Distinct())).DefaultIfEmpty().Max(),
            // A word that cannot be read may have been the one that makes the rule right.
            BestEffort = bestEffort != false,
            UnidentifiedMatches = unidentified == true,
            SkipWhereUnenforceable = unenforceable != false,
        }, path);

        return from is null || to is null || action is null || within is null || problems.Skip(before).Any(p => p.Severity == Severity.Error) ? null : new()
        {
            Id = new(rule.Id),
            From = from,
            To = to,
            Services = services,
            Action = action.Value,
            Within = within.Value,
            FromProcess = process,
            Users = users,
            ConsumerBestEffort = bestEffort == true,
            UnidentifiedMatches = unidentified == true,
            SkipWhereUnenforceable = unenforceable == true,
            Expires = rule.Expires,
        };
    }

    private T? Choose<T>(string? text, string path, string code, params ReadOnlySpan<(string Name, T Value)> choices)
        where T : struct
    {
        var known = new List<string>();
        foreach (var (name, value) in choices)
        {
            if (name == text)
            {
                return value;
            }

            known.Add(name);
        }

        problems.Add(Diagnostic.Error(code, path, $"'{text}' is not one of: {string.Join(", ", known)}."));
        return null;
    }
}
