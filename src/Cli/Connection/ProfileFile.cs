using System.Text.Json;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Connection;

/// <summary>Keeps the <see cref="Profile"/> in a file that only its owner may read; written whole or not at all.</summary>
internal sealed class ProfileFile(string path)
{
    private const UnixFileMode OthersMayAct =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private static readonly JsonSerializerOptions Indented = new(RestJson.Options) { WriteIndented = true };

    public string Path { get; } = path;

    /// <summary><c>$XDG_CONFIG_HOME/bulkhead/config.json</c>, or below <c>~/.config</c>.</summary>
    public static ProfileFile OfUser()
    {
        var configured = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
        var home = System.IO.Path.IsPathFullyQualified(configured ?? "")
            ? configured!
            : System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return new(System.IO.Path.Combine(home, "bulkhead", "config.json"));
    }

    /// <summary>The stored sign-in; fails if there is none, or if the file is damaged or open to others.</summary>
    public Profile Load()
    {
        if (!File.Exists(Path))
        {
            throw new Failure(ExitCode.NotSignedIn, "You are not signed in.", "Sign in with: bulkhead login URL --ca-sha256 FINGERPRINT");
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(Path) & OthersMayAct) != 0)
        {
            throw new Failure(ExitCode.NotSignedIn, $"{Path} holds a key, and others may read or write it; it is not used.", $"If you trust its content: chmod 600 {Path}");
        }

        try
        {
            if (JsonSerializer.Deserialize<Profile>(File.ReadAllBytes(Path), RestJson.Options) is { Url: not null, Authority: not null, Key: not null } profile)
            {
                return profile;
            }
        }
        catch (JsonException)
        {
            // Falls through: whatever is wrong in it, the remedy is the same.
        }

        throw new Failure(ExitCode.NotSignedIn, $"{Path} is damaged.", "Sign in again: bulkhead login URL --ca-sha256 FINGERPRINT");
    }

    public void Save(Profile profile) =>
        PrivateFile.Write(Path, JsonSerializer.SerializeToUtf8Bytes(profile, Indented));

    public void Delete() => File.Delete(Path);
}
