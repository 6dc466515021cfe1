namespace Bulkhead.Controller.Storage.Backups;

/// <summary>
/// Restores a backup into an empty folder, and the store that the folder names into an empty database: whole, or so that no controller starts on it. The
/// engine need not be the one that the backup was made from.
/// </summary>
public static class Restore
{
    private static readonly HashSet<string> s_mayBeThere = ["lock", ConnectionSecret.Name, DataFolder.RestoringFile];

    /// <summary>Unpacks a backup; the caller begins a new epoch, and then says that it <see cref="End"/>ed.</summary>
    /// <param name="backup">The file.</param>
    /// <param name="data">The folder, opened.</param>
    /// <param name="fill">Reads the state into the store.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="InvalidDataException">The backup is damaged; nothing was touched.</exception>
    /// <exception cref="IOException">The folder holds data.</exception>
    public static async Task BeginAsync(string backup, DataFolder data, Func<Stream, CancellationToken, Task> fill, CancellationToken cancellation)
    {
        await using var file = await BackupFile.OpenAsync(backup, cancellation).ConfigureAwait(false);
        if (File.Exists(data.PathOf(DataFolder.RestoringFile)))
        {
            Empty(data);
        }

        if (Directory.EnumerateFileSystemEntries(data.Path).Select(path => Path.GetFileName(path)).FirstOrDefault(name => !s_mayBeThere.Contains(name)) is { } found)
        {
            throw new IOException($"{data.Path} is not empty: it holds '{found}'. Restore into a new folder, which may hold the file '{ConnectionSecret.Name}' alone; nothing was changed.");
        }

        data.Write(DataFolder.RestoringFile, "");
        var whole = false;
        await foreach (var (name, content) in BackupFile.ReadAsync(file, cancellation).ConfigureAwait(false))
        {
            if (name == BackupFile.State)
            {
                await fill(content, cancellation).ConfigureAwait(false);
                whole = true;
            }
            else
            {
                await CopyAsync(content, data, name, cancellation).ConfigureAwait(false);
            }
        }

        if (!whole)
        {
            throw new InvalidDataException("The backup holds no state.");
        }
    }

    /// <summary>From now on a controller may start on the folder.</summary>
    public static void End(DataFolder data)
    {
        FolderSync.Flush(data.Path);
        data.Delete(DataFolder.RestoringFile);
        FolderSync.Flush(data.Path);
    }

    private static void Empty(DataFolder data)
    {
        foreach (var path in Directory.GetFiles(data.Path).Where(path => !s_mayBeThere.Contains(Path.GetFileName(path))))
        {
            File.Delete(path);
        }

        var flows = data.PathOf(BackupFile.Flows);
        if (Directory.Exists(flows))
        {
            Directory.Delete(flows, recursive: true);
        }
    }

    private static async Task CopyAsync(Stream content, DataFolder data, string name, CancellationToken cancellation)
    {
        if (name.StartsWith(BackupFile.Flows, StringComparison.Ordinal))
        {
            DataFolder.CreatePrivate(data.PathOf(BackupFile.Flows));
        }

        await using var target = File.OpenWrite(data.CreateSecret(name));
        await content.CopyToAsync(target, cancellation).ConfigureAwait(false);
        target.Flush(flushToDisk: true);
    }
}
