using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Backups;

/// <summary>Reads what <see cref="StateExport"/> wrote into an empty store: into the schema that it was written from, which is then brought up to date.</summary>
public static class StateImport
{
    /// <summary>Reads all of it, or nothing.</summary>
    /// <exception cref="InvalidDataException">It is not whole, or of a newer version; or the store is not empty.</exception>
    public static async Task ReadAsync(ControllerDb database, StoreDatabase store, Stream stream, CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        var header = Parse<StateHeader>(await reader.ReadLineAsync(cancellation).ConfigureAwait(false));
        if (header.Format != StateExport.Format || !database.Database.GetMigrations().Contains(header.Schema))
        {
            throw new InvalidDataException($"The backup was made by a newer version of the controller (schema {header.Schema}). Restore it with that version.");
        }

        if ((await database.Database.GetAppliedMigrationsAsync(cancellation).ConfigureAwait(false)).Any())
        {
            throw new InvalidDataException("The database is not empty. Restore into an empty one.");
        }

        await database.GetService<IMigrator>().MigrateAsync(header.Schema, cancellation).ConfigureAwait(false);
        await database.Database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
        await using (var transaction = await database.Database.BeginTransactionAsync(cancellation).ConfigureAwait(false))
        {
            await FillAsync(database.Database.GetDbConnection(), reader, cancellation).ConfigureAwait(false);
            await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        }

        await store.MigrateAsync(database, cancellation).ConfigureAwait(false);
    }

    private static async Task FillAsync(DbConnection connection, StreamReader reader, CancellationToken cancellation)
    {
        var count = 0L;
        DbCommand? insert = null;
        IReadOnlyList<Type> types = [];
        try
        {
            while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind == JsonValueKind.Array)
                {
                    Bind(insert ?? throw new InvalidDataException("The backup has a row without a table."), types, json.RootElement);
                    await insert.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
                    count++;
                }
                else if (json.RootElement.TryGetProperty(nameof(StateTable.Table), out _))
                {
                    insert?.Dispose();
                    (insert, types) = await InsertAsync(connection, Parse<StateTable>(line), cancellation).ConfigureAwait(false);
                }
                else if (Parse<StateEnd>(line).Rows == count)
                {
                    return;
                }
            }
        }
        finally
        {
            insert?.Dispose();
        }

        throw new InvalidDataException("The backup's state is incomplete.");
    }

    private static async Task<(DbCommand Insert, IReadOnlyList<Type> Types)> InsertAsync(DbConnection connection, StateTable table, CancellationToken cancellation)
    {
        var types = new List<Type>();
        await using (var look = connection.CreateCommand())
        {
            look.CommandText = $"SELECT {Names(table.Columns)} FROM {Name(table.Table)} LIMIT 0";
            await using var shape = await look.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            types.AddRange(Enumerable.Range(0, shape.FieldCount).Select(shape.GetFieldType));
        }

        var insert = connection.CreateCommand();
        insert.CommandText = $"INSERT INTO {Name(table.Table)} ({Names(table.Columns)}) VALUES ({string.Join(", ", types.Select((_, i) => $"@p{i}"))})";
        for (var i = 0; i < types.Count; i++)
        {
            var parameter = insert.CreateParameter();
            parameter.ParameterName = $"@p{i}";
            insert.Parameters.Add(parameter);
        }

        return (insert, types);
    }

    private static void Bind(DbCommand insert, IReadOnlyList<Type> types, JsonElement row)
    {
        if (row.GetArrayLength() != types.Count)
        {
            throw new InvalidDataException("The backup has a row that does not fit its table.");
        }

        for (var i = 0; i < types.Count; i++)
        {
            insert.Parameters[i].Value = Value(row[i], types[i]);
        }
    }

    /// <summary>SQLite has no booleans but 0 and 1.</summary>
    private static object Value(JsonElement value, Type type) => (value.ValueKind, type) switch
    {
        (JsonValueKind.Null, _) => DBNull.Value,
        (JsonValueKind.True or JsonValueKind.False, _) when type == typeof(bool) => value.GetBoolean(),
        (JsonValueKind.Number, _) when type == typeof(bool) => value.GetInt64() != 0,
        (JsonValueKind.True, _) => 1L,
        (JsonValueKind.False, _) => 0L,
        (JsonValueKind.Number, _) => Convert.ChangeType(value.GetInt64(), type, CultureInfo.InvariantCulture),
        (JsonValueKind.String, _) when type == typeof(byte[]) => value.GetBytesFromBase64(),
        (JsonValueKind.String, _) when type == typeof(string) => value.GetString()!,
        _ => throw new InvalidDataException($"The backup has a {value.ValueKind} where a {type.Name} belongs."),
    };

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(Name));

    private static string Name(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        ? $"\"{name}\""
        : throw new InvalidDataException("The backup names a table or column that cannot be one.");

    private static T Parse<T>(string? line)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line ?? "null") ?? throw new InvalidDataException("The backup's state is empty.");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"The backup's state cannot be read: {problem.Message}");
        }
    }
}
