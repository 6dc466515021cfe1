using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Bulkhead.Controller.Storage;

/// <summary>Failures of the database itself, which are no bug of ours and may pass: away, restarting, its disk full.</summary>
public static class StoreFailures
{
    // https://www.sqlite.org/rescode.html: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
    private static readonly HashSet<int> s_sqlite = [5, 6, 8, 10, 13, 14];

    // https://www.postgresql.org/docs/15/errcodes-appendix.html: connection exception, insufficient resources, operator intervention, system error.
    private static readonly string[] s_postgres = ["08", "53", "57", "58"];

    /// <summary>The failure of the database in an exception; null if it is something else.</summary>
    public static DbException? Find(Exception? problem) => problem switch
    {
        null => null,
        SqliteException sqlite => s_sqlite.Contains(sqlite.SqliteErrorCode) ? sqlite : null,
        PostgresException postgres => s_postgres.Contains(postgres.SqlState[..2]) ? postgres : null,
        NpgsqlException or StoreLostException => (DbException)problem,
        _ => Find(problem.InnerException),
    };
}

/// <summary>The connection to the database was lost, and all that was not committed with it.</summary>
/// <param name="problem">How it showed.</param>
public sealed class StoreLostException(Exception problem) : DbException("The connection to the database was lost.", problem);
