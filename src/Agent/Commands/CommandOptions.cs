using System.CommandLine;
using Bulkhead.Agent.State;

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

    /// <summary><c>--output</c>.</summary>
    public static Option<string> Output() => new Option<string>("--output") { Description = "table or json.", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
}
