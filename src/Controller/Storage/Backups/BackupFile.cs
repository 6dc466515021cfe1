using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Bulkhead.Controller.Storage.Backups;

/// <summary>
/// A backup: a tar archive, and after its end one line with the SHA-256 of all before it, so that a file that is cut short or altered anywhere is known for
/// that before any of it is used. It holds the authority's key: keep it as a secret.
/// </summary>
public static partial class BackupFile
{
    /// <summary>The relational store; see <see cref="StateExport"/>.</summary>
    public const string State = "state.jsonl";

    /// <summary>The folder with the flow store's files.</summary>
    public const string Flows = "flows/";

    private const string Seal = "\nbulkhead-backup 1 sha256 ";
    private const int SealLength = 26 + 64 + 1;
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes one that is there whole and durable, or not at all.</summary>
    /// <param name="path">Where; must not exist.</param>
    /// <param name="entries">Names in the archive, and the files to take.</param>
    /// <param name="cancellation">Stops it, and leaves nothing behind.</param>
    public static async Task WriteAsync(string path, IEnumerable<(string Name, string File)> entries, CancellationToken cancellation)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Secret;
        }

        try
        {
            await using (var stream = new FileStream(fresh, options))
            {
                await using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
                {
                    foreach (var (name, file) in entries)
                    {
                        await tar.WriteEntryAsync(file, name, cancellation).ConfigureAwait(false);
                    }
                }

                stream.Position = 0;
                var hash = await SHA256.HashDataAsync(stream, cancellation).ConfigureAwait(false);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"{Seal}{Convert.ToHexStringLower(hash)}\n"), cancellation).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
            }

            File.Move(fresh, path);
            FolderSync.Flush(Path.GetDirectoryName(path)!);
        }
        finally
        {
            File.Delete(fresh);
        }
    }

    /// <summary>Opens one whose every byte is as it was written.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or no backup.</exception>
    public static async Task<FileStream> OpenAsync(string path, CancellationToken cancellation)
    {
        var stream = File.OpenRead(path);
        try
        {
            var body = stream.Length - SealLength;
            var seal = new byte[SealLength];
            if (body > 0)
            {
                stream.Position = body;
                await stream.ReadExactlyAsync(seal, cancellation).ConfigureAwait(false);
                stream.Position = 0;
            }

            if (body <= 0 || Encoding.ASCII.GetString(seal) != $"{Seal}{await HashAsync(stream, body, cancellation).ConfigureAwait(false)}\n")
            {
                throw new InvalidDataException($"{path} is damaged, incomplete or no backup. Nothing was restored; use another backup.");
            }

            stream.Position = 0;
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Its entries, each to be read before the next.</summary>
    /// <exception cref="InvalidDataException">There is one that does not belong into a backup.</exception>
    public static async IAsyncEnumerable<(string Name, Stream Content)> ReadAsync(
        FileStream backup, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var tar = new TarReader(backup, leaveOpen: true);
        while (await tar.GetNextEntryAsync(copyData: false, cancellation).ConfigureAwait(false) is { } entry)
        {
            yield return KnownName().IsMatch(entry.Name) && entry.EntryType == TarEntryType.RegularFile
                ? (entry.Name, entry.DataStream ?? Stream.Null)
                : throw new InvalidDataException($"The backup holds '{entry.Name}', which this version of the controller does not know. Restore it with the version that made it.");
        }
    }

    private static async Task<string> HashAsync(FileStream stream, long length, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        while (length > 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            hash.AppendData(buffer, 0, read);
            length -= read;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    [GeneratedRegex(@"\A(state\.jsonl|ca\.key|ca\.crt|flows/[0-9A-Za-z-]{1,40}\.db)\z")]
    private static partial Regex KnownName();
}
