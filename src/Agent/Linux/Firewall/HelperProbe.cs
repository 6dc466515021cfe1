using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Finds out which connection-tracking helpers the kernel has, or can load.</summary>
internal static class HelperProbe
{
    /// <summary>The features of those helpers, in their order. nft is asked only where that loads nothing.</summary>
    public static async Task<IReadOnlyList<string>> FeaturesAsync(TableKeeper table)
    {
        var modules = HelperModules.OfThisHost();
        var found = ConnectionHelper.All.Select(helper => (Helper: helper, modules.Of(helper).Presence)).ToList();
        var known = await table.KnowsAsync(found.Where(f => f.Presence == HelperPresence.MayBeAsked).SelectMany(f => Objects(f.Helper))).ConfigureAwait(false);
        var has = new List<string>();
        foreach (var (helper, presence) in found)
        {
            if (presence == HelperPresence.Loadable
                || (presence == HelperPresence.MayBeAsked && (known || await table.KnowsAsync(Objects(helper)).ConfigureAwait(false))))
            {
                has.Add(helper.Feature);
            }
        }

        return has;
    }

    private static IEnumerable<HelperObject> Objects(ConnectionHelper helper) =>
        helper.Follows.Select(protocol => new HelperObject($"probe_{helper.Name.Replace('-', '_')}_{protocol}", helper.Name, protocol));
}
