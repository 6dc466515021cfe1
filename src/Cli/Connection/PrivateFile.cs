using System.Text;

namespace Bulkhead.Cli.Connection;

/// <summary>Files with secrets: mode 0600 from the first moment, in a folder of mode 0700 if it has to be made.</summary>
internal static class PrivateFile
{
    /// <summary>Replaces the file in one step.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            CreateFolder(folder);
        }

        var draft = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}");
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        File.Delete(draft);
        try
        {
            using (var file = new FileStream(draft, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>Puts a secret into a file that the user named.</summary>
    public static void WriteSecret(FileInfo file, string secret)
    {
        try
        {
            Write(file.FullName, Encoding.UTF8.GetBytes($"{secret}\n"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new Failure(ExitCode.Refused, $"The key was made, but {file} cannot be written: {error.Message}", "Revoke that key and make another.");
        }
    }

    /// <summary>The secret in a file: its content without white space at the end. A secret is never an argument, since arguments are visible to everybody.</summary>
    public static string ReadSecret(FileInfo file)
    {
        var secret = Read(file).TrimEnd();
        return secret.Length > 0 ? secret : throw Failure.Usage($"{file} is empty; it should hold the secret.");
    }

    /// <summary>The text of a file that the user named.</summary>
    public static string Read(FileInfo file)
    {
        try
        {
            return File.ReadAllText(file.FullName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"{file} cannot be read: {error.Message}");
        }
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
