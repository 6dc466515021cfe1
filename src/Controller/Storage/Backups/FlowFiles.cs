using Microsoft.Data.Sqlite;

namespace Bulkhead.Controller.Storage.Backups;

/// <summary>Copies of the flow store's files, which a controller may be writing meanwhile.</summary>
public static class FlowFiles
{
    private const string Catalog = "catalog.db";
    private const int CannotOpen = 14;

    /// <summary>
    /// Copies each file as of a moment of its own: the days first, then the catalog, which holds every name before a day uses it. Days are of use only with a
    /// catalog that is no older.
    /// </summary>
    /// <returns>The copies, by name.</returns>
    public static async Task<IReadOnlyList<(string Name, string File)>> CopyAsync(string folder, string into, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(folder, Catalog)))
        {
            return [];
        }

        var copies = new List<(string, string)>();
        var days = Directory.GetFiles(folder, "*.db").Select(path => Path.GetFileName(path)).Where(name => name != Catalog).Order(StringComparer.Ordinal);
        foreach (var name in days.Append(Catalog))
        {
            var target = Path.Combine(into, name);
            if (await CopyOneAsync(Path.Combine(folder, name), target, cancellation).ConfigureAwait(false))
            {
                copies.Add((name, target));
            }
        }

        return copies;
    }

    /// <summary>False if the file was dropped meanwhile, as the oldest day is at midnight.</summary>
    private static async Task<bool> CopyOneAsync(string source, string target, CancellationToken cancellation)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = source, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ConnectionString);
        await using (connection.ConfigureAwait(false))
        {
            try
            {
                await connection.OpenAsync(cancellation).ConfigureAwait(false);
            }
            catch (SqliteException gone) when (gone.SqliteErrorCode == CannotOpen && !File.Exists(source))
            {
                return false;
            }

            await using var command = connection.CreateCommand();
            command.CommandText = "VACUUM INTO $target";
            command.Parameters.AddWithValue("$target", target);
            await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            return true;
        }
    }
}
