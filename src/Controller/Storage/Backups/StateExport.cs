using System.Data.Common;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage.Backups;

/// <summary>
/// The relational store as text, the same from either engine: a header, then each table's name and columns, followed by its rows as arrays, one a line; and
/// at the end how many rows there were. What ends with a restore anyway is left out.
/// </summary>
public static class StateExport
{
    /// <summary>The version of this form.</summary>
    public const int Format = 1;

    /// <summary>Sessions, who is connected where, and which controllers there are.</summary>
    private static readonly HashSet<string> s_passing = ["sessions", "observations", "controllers"];

    /// <summary>Tables that others refer to come first.</summary>
    private static readonly string[] s_first = ["workloads", "accounts"];

    /// <summary>Writes all of it, as of one moment.</summary>
    public static async Task WriteAsync(ControllerDb database, StoreDatabase store, Stream stream, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var moment = await store.BeginReadAsync(database, cancellation).ConfigureAwait(false);
        var schema = (await database.Database.GetAppliedMigrationsAsync(cancellation).ConfigureAwait(false)).LastOrDefault()
            ?? throw new InvalidDataException("The database is empty: no controller has used it yet.");
        await using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        await writer.WriteLineAsync(JsonSerializer.Serialize(new StateHeader(Format, schema, store.Engine, now))).ConfigureAwait(false);
        var count = 0L;
        foreach (var table in await TablesAsync(database, cancellation).ConfigureAwait(false))
        {
            count += await WriteAsync(database.Database.GetDbConnection(), table, writer, cancellation).ConfigureAwait(false);
        }

        await writer.WriteLineAsync(JsonSerializer.Serialize(new StateEnd(count))).ConfigureAwait(false);
    }

    private static async Task<IReadOnlyList<string>> TablesAsync(ControllerDb database, CancellationToken cancellation)
    {
        var tables = database.Database.IsSqlite()
            ? database.Database.SqlQueryRaw<string>("SELECT name AS \"Value\" FROM sqlite_master WHERE type = 'table'")
            : database.Database.SqlQueryRaw<string>("SELECT table_name::text AS \"Value\" FROM information_schema.tables WHERE table_schema = current_schema()");
        return [.. (await tables.ToListAsync(cancellation).ConfigureAwait(false))
            .Where(name => !name.StartsWith("__", StringComparison.Ordinal) && !name.StartsWith("sqlite_", StringComparison.Ordinal) && !s_passing.Contains(name))
            .OrderBy(name => Array.IndexOf(s_first, name) is var rank and >= 0 ? rank : s_first.Length).ThenBy(name => name, StringComparer.Ordinal)];
    }

    private static async Task<long> WriteAsync(DbConnection connection, string table, StreamWriter writer, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM \"{table}\"";
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        var columns = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToList();
        await writer.WriteLineAsync(JsonSerializer.Serialize(new StateTable(table, columns))).ConfigureAwait(false);
        var count = 0L;
        var row = new object?[columns.Count];
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            }

            await writer.WriteLineAsync(JsonSerializer.Serialize(row)).ConfigureAwait(false);
            count++;
        }

        return count;
    }
}

/// <summary>The first line.</summary>
/// <param name="Format">See <see cref="StateExport.Format"/>.</param>
/// <param name="Schema">The last migration that the store had.</param>
/// <param name="Engine">What it was in.</param>
/// <param name="Created">When it was made.</param>
internal sealed record StateHeader(int Format, string Schema, string Engine, DateTimeOffset Created);

/// <summary>A table's beginning.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Columns">Names, in the order of the rows' values.</param>
internal sealed record StateTable(string Table, IReadOnlyList<string> Columns);

/// <summary>The last line.</summary>
/// <param name="Rows">Of all tables together.</param>
internal sealed record StateEnd(long Rows);
