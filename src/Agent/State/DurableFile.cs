using Bulkhead.Agent.Linux;

namespace Bulkhead.Agent.State;

/// <summary>Files that are either the old or the new version after a crash, never something between. Readable by the owner only.</summary>
internal static class DurableFile
{
    /// <summary>Owner may read and write, nobody else anything.</summary>
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces a file atomically: temporary file, fsync, rename, fsync of the directory.</summary>
    /// <exception cref="IOException">The disk refused; the old version is still there.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        Replace(path, content, toDisk: true);
        Directories.Sync(Path.GetDirectoryName(path)!);
    }

    /// <summary>Replaces a file atomically, without waiting for the disk: it outlives the process, but perhaps not a power cut.</summary>
    /// <exception cref="IOException">The disk refused; the old version is still there.</exception>
    public static void WriteLazily(string path, ReadOnlySpan<byte> content) => Replace(path, content, toDisk: false);

    /// <summary>
    /// Makes a file longer, and that last; the file is made if there is none. A crash may leave part of what is appended, and, if that is not on disk yet, a power
    /// cut may leave none of it.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What is appended.</param>
    /// <param name="toDisk">Whether to wait for the disk; if not, <see cref="Sync"/> does.</param>
    /// <exception cref="IOException">The disk refused; part of it may be there.</exception>
    public static void Append(string path, ReadOnlySpan<byte> content, bool toDisk = true)
    {
        var isNew = !File.Exists(path);
        using (var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            UnixCreateMode = isNew ? Private : null,
            BufferSize = 0,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: toDisk || isNew);
        }

        if (isNew)
        {
            Directories.Sync(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Waits until what was appended to a file is on disk.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Sync(string path)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Write, BufferSize = 0 });
        file.Flush(flushToDisk: true);
    }

    /// <summary>Removes a file, if it is there, and makes that last.</summary>
    public static void Remove(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
            Directories.Sync(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>The content, or null if there is no such file.</summary>
    public static byte[]? Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static void Replace(string path, ReadOnlySpan<byte> content, bool toDisk)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        using (var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = Private,
            BufferSize = 0,
        }))
        {
            file.Write(content);
            file.Flush(flushToDisk: toDisk);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
