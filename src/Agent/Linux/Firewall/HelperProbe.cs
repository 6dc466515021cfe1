using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Finds out which connection-tracking helpers the kernel has, or can load.</summary>
internal static class HelperProbe
{
    /// <summary>The features of those helpers, in their order.</summary>
    public static async Task<IReadOnlyList<string>> FeaturesAsync(TableKeeper table)
    {
        if (await table.KnowsAsync(ConnectionHelper.All.SelectMany(Objects)).ConfigureAwait(false))
        {
            return [.. ConnectionHelper.All.Select(helper => helper.Feature)];
        }

        var has = new List<string>();
        foreach (var helper in ConnectionHelper.All)
        {
            if (await table.KnowsAsync(Objects(helper)).ConfigureAwait(false))
            {
                has.Add(helper.Feature);
            }
        }

        return has;
    }

    private static IEnumerable<HelperObject> Objects(ConnectionHelper helper) =>
        helper.Follows.Select(protocol => new HelperObject($"probe_{helper.Name.Replace('-', '_')}_{protocol}", helper.Name, protocol));
}
