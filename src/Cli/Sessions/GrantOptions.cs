using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Sessions;

/// <summary>How roles and their scope are given on the command line, and listed.</summary>
internal static class GrantOptions
{
    private static readonly string[] s_names = [.. Enum.GetValues<AccessRole>().Select(role => Words.Name(role))];

    /// <summary>Roles, repeatable.</summary>
    public static Option<AccessRole[]> Roles { get; } = CreateRoles();

    /// <summary>What they are narrowed to.</summary>
    public static Option<string?> Scope { get; } = new("--scope")
    {
        Description = "Narrow them to workloads that this selector chooses, such as app=shop; viewers, auditors and owners have no scope.",
        HelpName = "SELECTOR",
    };

    /// <summary>The grants that the options say.</summary>
    public static IReadOnlyList<Grant> Of(Call call) => [.. (call.Value(Roles) ?? []).Distinct().Select(role => new Grant(role, call.Value(Scope)))];

    /// <summary>Such as <c>policyEditor of app=shop, viewer</c>.</summary>
    public static string Text(IEnumerable<Grant> grants) =>
        string.Join(", ", grants.Select(grant => grant.Scope is { } scope ? $"{Words.Name(grant.Role)} of {scope}" : Words.Name(grant.Role)));

    private static Option<AccessRole[]> CreateRoles()
    {
        var roles = new Option<AccessRole[]>("--role")
        {
            Description = "What may be done (usually viewer); repeat for more.",
            HelpName = string.Join('|', s_names),
            DefaultValueFactory = _ => [AccessRole.Viewer],
            CustomParser = result =>
            {
                var parsed = new List<AccessRole>();
                foreach (var token in result.Tokens)
                {
                    if (s_names.Contains(token.Value, StringComparer.OrdinalIgnoreCase))
                    {
                        parsed.Add(Enum.Parse<AccessRole>(token.Value, ignoreCase: true));
                    }
                    else
                    {
                        result.AddError($"'{token.Value}' is not a value of --role. It is one of: {string.Join(", ", s_names)}.");
                    }
                }

                return [.. parsed];
            },
        };
        roles.CompletionSources.Add(s_names);
        return roles;
    }
}
