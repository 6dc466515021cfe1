using Bulkhead.Controller.Storage.Rows;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// Epochs of policy generations. A host never goes back to an older generation, and so follows a restored store only into a new epoch, which the
/// authority's key proves.
/// </summary>
public static class Epochs
{
    /// <summary>Begins one.</summary>
    /// <param name="edit">The transaction.</param>
    /// <param name="action">For the audit log.</param>
    /// <param name="detail">For the audit log.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<long> BeginAsync(Edit edit, string action, string detail, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var epoch = await edit.CounterAsync(Counters.Epoch, cancellation).ConfigureAwait(false);
        // Seconds since 1970, so that an epoch begun after any restore is above all that were begun before it.
        epoch.Value = Math.Max(epoch.Value + 1, edit.Now.ToUnixTimeSeconds());
        edit.Touch(ChangeKind.Epoch);
        edit.Audit(action, $"epoch {epoch.Value}", detail);
        return epoch.Value;
    }
}
