using System.CommandLine;
using System.Globalization;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Marks;

namespace Bulkhead.Agent.Commands;

/// <summary>Options that several commands have.</summary>
internal static class CommandOptions
{
    /// <summary><c>--state</c>.</summary>
    public static Option<string> State() => new("--state")
    {
        Description = "The agent's own folder: identity, last policy, spool. Only root may read it.",
        DefaultValueFactory = _ => StateDirectory.Standard,
    };

    /// <summary><c>--cgroup</c>.</summary>
    public static Option<string?> Cgroup() => new("--cgroup")
    {
        Description = "This host's root in cgroup v2, where it is not the whole hierarchy; processes are looked for below it only.",
    };

    /// <summary><c>--mark-mask</c>.</summary>
    public static Option<uint> MarkMask() => new("--mark-mask")
    {
        Description = "The bits of socket marks that are the agent's own, one run of 2 to 16 of them, in hexadecimal; others keep the rest.",
        DefaultValueFactory = _ => MarkTable.DefaultMask,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (uint.TryParse(text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var mask)
                && MarkTable.IsMask(mask))
            {
                return mask;
            }

            result.AddError($"'{text}' is not one run of 2 to 16 bits, such as 0xff000000.");
            return 0;
        },
    };

    /// <summary><c>--output</c>.</summary>
    public static Option<string> Output() => new Option<string>("--output") { Description = "table or json.", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
}
