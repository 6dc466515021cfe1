using Bulkhead.Lab;

namespace Bulkhead.Bench.Dataplane;

/// <summary>Rules for the two ends of a pair.</summary>
/// <param name="Loader">The program that loads them, from its standard input.</param>
/// <param name="Text">What it is given for an end; told whether that is the server.</param>
internal sealed record Rules(IReadOnlyList<string> Loader, Func<bool, string> Text)
{
    /// <summary>No firewall.</summary>
    public static Rules Nothing { get; } = new([], _ => "");

    /// <summary>Rules that <c>nft</c> loads.</summary>
    public static Rules Nft(Func<bool, string> text) => new(["nft", "-f", "-"], text);

    /// <summary>Loads them at both ends.</summary>
    public async Task LoadAsync(VethPair pair, CancellationToken cancel)
    {
        foreach (var (network, atServer) in new (NetworkNamespace, bool)[] { (pair.Client, false), (pair.Server, true) })
        {
            if (Loader.Count > 0)
            {
                await VethPair.RunInAsync(network, Loader, Text(atServer), cancel);
            }
        }
    }
}
