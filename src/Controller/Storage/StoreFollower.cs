using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage;

/// <summary>Follows what other controllers on the store commit; does nothing on a store that is nobody else's.</summary>
public sealed class StoreFollower(StoreDatabase store, Ledger ledger, ILogger<StoreFollower> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var away = false;
        while (store.IsShared)
        {
            await store.WaitAsync(stoppingToken).ConfigureAwait(false);
            try
            {
                await ledger.FollowAsync(stoppingToken).ConfigureAwait(false);
                away = false;
            }
            catch (Exception problem) when (problem is DbUpdateException or DbException)
            {
                if (!away)
                {
                    Log.BackgroundFailed(logger, problem, "follow the database");
                }

                away = true;
            }
        }
    }
}
