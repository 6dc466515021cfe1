namespace Bulkhead.Controller.Storage;

/// <summary>
/// The folder with all that the controller keeps (mode 0700). One controller at a time owns it. Files are replaced whole and are durable when a
/// write returns.
/// </summary>
public sealed class DataFolder : IDisposable
{
    /// <summary>The relational store.</summary>
    public const string DatabaseFile = "bulkhead.db";

    /// <summary>There while a restore runs.</summary>
    public const string RestoringFile = "restoring";

    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Public = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private readonly FileStream? _lock;

    private DataFolder(string path, FileStream? @lock) => (Path, _lock) = (path, @lock);

    /// <summary>Its absolute path.</summary>
    public string Path { get; }

    /// <summary>Opens the folder of a controller that may be running.</summary>
    /// <exception cref="IOException">No controller has ever used it.</exception>
    public static DataFolder Attach(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        return File.Exists(System.IO.Path.Combine(path, DatabaseFile)) || File.Exists(System.IO.Path.Combine(path, ControllerSelf.IdFile))
            ? new(path, null)
            : throw new IOException($"{path} holds no controller's data. Give the folder that 'bulkhead-controller run' was started with.");
    }

    /// <summary>Opens a folder, or makes it.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="restoring">Whether a restore that did not end may go on.</param>
    /// <exception cref="IOException">Another controller owns it, it cannot be written, or a restore into it did not end.</exception>
    public static DataFolder Open(string path, bool restoring = false)
    {
        path = System.IO.Path.GetFullPath(path);
        CreatePrivate(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, Secret | UnixFileMode.UserExecute);
        }

        if (!restoring && File.Exists(System.IO.Path.Combine(path, RestoringFile)))
        {
            throw new IOException($"A restore into {path} did not end. Run 'bulkhead-controller restore' again.");
        }

        try
        {
            return new(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException problem)
        {
            throw new IOException($"{path} is in use by another controller. Stop that one, or give this one a folder of its own with --data.", problem);
        }
    }

    /// <summary>The path of a file in it.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Replaces a file that anybody may read who reaches the folder.</summary>
    public void Write(string name, string text) => Replace(name, text, Public);

    /// <summary>Replaces a file that only the owner may read.</summary>
    public void WriteSecret(string name, string text) => Replace(name, text, Secret);

    /// <summary>Makes an empty file that only the owner may read, if it is not there.</summary>
    public string CreateSecret(string name)
    {
        var path = PathOf(name);
        Open(path, FileMode.OpenOrCreate, Secret).Dispose();
        return path;
    }

    /// <summary>Removes a file if it is there.</summary>
    public void Delete(string name) => File.Delete(PathOf(name));

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    /// <summary>Makes a folder that only its owner may enter.</summary>
    internal static DirectoryInfo CreatePrivate(string path) =>
        OperatingSystem.IsWindows() ? Directory.CreateDirectory(path) : Directory.CreateDirectory(path, Secret | UnixFileMode.UserExecute);

    private static FileStream Open(string path, FileMode mode, UnixFileMode access)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = access;
        }

        return new(path, options);
    }

    private void Replace(string name, string text, UnixFileMode access)
    {
        var (path, fresh) = (PathOf(name), PathOf(name + ".new"));
        File.Delete(fresh);
        using (var stream = Open(fresh, FileMode.CreateNew, access))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
        FolderSync.Flush(Path);
    }
}
