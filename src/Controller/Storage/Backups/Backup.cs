namespace Bulkhead.Controller.Storage.Backups;

/// <summary>Makes backups of a controller that may be running.</summary>
public static class Backup
{
    private static readonly string[] s_authority = ["ca.key", "ca.crt"];

    /// <summary>Writes all that a controller keeps into one file.</summary>
    /// <param name="data">The controller's folder.</param>
    /// <param name="store">Its store.</param>
    /// <param name="database">The same, connected.</param>
    /// <param name="path">The file to make; must not exist. Its folder needs room for twice of what is kept.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Stops it, and leaves nothing behind.</param>
    /// <exception cref="IOException">The file is there already, or cannot be written.</exception>
    public static async Task WriteAsync(DataFolder data, StoreDatabase store, ControllerDb database, string path, DateTimeOffset now, CancellationToken cancellation)
    {
        path = Path.GetFullPath(path);
        if (File.Exists(path))
        {
            throw new IOException($"{path} is there already. Choose another name: a backup is never overwritten.");
        }

        var staging = DataFolder.CreatePrivate($"{path}.parts");
        try
        {
            var state = Path.Combine(staging.FullName, BackupFile.State);
            await using (var stream = File.Create(state))
            {
                await StateExport.WriteAsync(database, store, stream, now, cancellation).ConfigureAwait(false);
            }

            var flows = await FlowFiles.CopyAsync(data.PathOf("flows"), staging.FullName, cancellation).ConfigureAwait(false);
            await BackupFile.WriteAsync(
                path,
                [
                    .. s_authority.Select(name => (name, data.PathOf(name))),
                    .. flows.Select(copy => (BackupFile.Flows + copy.Name, copy.File)),
                    (BackupFile.State, state),
                ],
                cancellation).ConfigureAwait(false);
        }
        finally
        {
            staging.Delete(recursive: true);
        }
    }
}
