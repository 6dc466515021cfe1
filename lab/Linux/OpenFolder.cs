namespace Bulkhead.Lab;

/// <summary>Folders and files that the lab's unprivileged daemons can read, whatever the umask.</summary>
internal static class OpenFolder
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Searchable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Makes a folder, and those above it that are missing.</summary>
    public static string Create(string path)
    {
        if (!Directory.Exists(path))
        {
            if (Path.GetDirectoryName(path) is { } parent)
            {
                Create(parent);
            }

            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, Readable | Searchable);
        }

        return path;
    }

    /// <summary>Writes a file.</summary>
    public static void Write(string path, string text)
    {
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, Readable);
    }

    /// <summary>The folder on the way to this one that others may not pass through, or null if there is none.</summary>
    public static string? Obstacle(string path) =>
        path == "/" ? null
        : Obstacle(Path.GetDirectoryName(path)!) is { } above ? above
        : Directory.Exists(path) && (File.GetUnixFileMode(path) & UnixFileMode.OtherExecute) == 0 ? path : null;
}
