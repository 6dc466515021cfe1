namespace Bulkhead.Controller.Storage;

/// <summary>
/// Where the connection string of PostgreSQL comes from: the file <c>database</c> in the data folder, or the credential <c>database</c> that systemd
/// passes to the service. Never the command line or the environment, which others on the machine can read.
/// </summary>
public static class ConnectionSecret
{
    /// <summary>The file's, and the credential's, name.</summary>
    public const string Name = "database";

    private const string CredentialsFolder = "CREDENTIALS_DIRECTORY";
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>The connection string; null if the store is SQLite in the data folder.</summary>
    /// <exception cref="IOException">The file cannot be read, or others can read it too.</exception>
    public static string? Find(DataFolder data)
    {
        var own = data.PathOf(Name);
        if (File.Exists(own))
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(own) & Others) != 0)
            {
                throw new IOException($"{own} holds a secret that others can read. Run: chmod 600 {own}");
            }

            return File.ReadAllText(own).Trim();
        }

        return Environment.GetEnvironmentVariable(CredentialsFolder) is { Length: > 0 } folder && Path.Combine(folder, Name) is var credential && File.Exists(credential)
            ? File.ReadAllText(credential).Trim()
            : null;
    }
}
