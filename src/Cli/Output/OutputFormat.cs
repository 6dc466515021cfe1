namespace Bulkhead.Cli.Output;

/// <summary>For whom a command writes.</summary>
internal enum OutputFormat
{
    /// <summary>For people; its form may change.</summary>
    Table,

    /// <summary>For programs: REST's JSON.</summary>
    Json,
}
