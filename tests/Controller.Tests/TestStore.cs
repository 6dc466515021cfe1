using Bulkhead.Controller.Storage;

namespace Bulkhead.Controller.Tests;

/// <summary>
/// The engine that this suite runs on. The same files are built twice: as Controller.Tests, on SQLite, and as Controller.Postgres.Tests, on PostgreSQL.
/// </summary>
internal static class TestStore
{
#if POSTGRES
    public const bool IsShared = true;
#else
    public const bool IsShared = false;
#endif

    /// <summary>Says in a data folder, unless that was done, where its store is: nowhere yet, so an empty one.</summary>
    public static void Prepare(string folder)
    {
        if (IsShared && !File.Exists(Path.Combine(folder, ConnectionSecret.Name)))
        {
            Use(folder, PrivatePostgres.Shared.NewDatabase());
        }
    }

    /// <summary>Says in a data folder that its store is in PostgreSQL.</summary>
    public static void Use(string folder, string connection)
    {
        using var data = DataFolder.Open(folder);
        data.WriteSecret(ConnectionSecret.Name, connection);
    }
}
