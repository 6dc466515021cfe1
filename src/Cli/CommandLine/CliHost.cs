using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;

namespace Bulkhead.Cli.CommandLine;

/// <summary>What the program touches besides the controller.</summary>
internal sealed record CliHost(Terminal Terminal, ProfileFile Profile, TimeProvider Clock)
{
    public static CliHost OfProcess() => new(Terminal.OfProcess(), ProfileFile.OfUser(), TimeProvider.System);
}
