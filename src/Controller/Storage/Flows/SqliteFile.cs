using SQLitePCL;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The flow store could not read or write one of its files; nothing of the failed transaction is in it.</summary>
public sealed class FlowStoreException(string message) : IOException(message);

/// <summary>
/// One SQLite file, spoken to without ADO.NET, which halves the append rate. In WAL mode and durable at each commit. For one thread at a time.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly List<Statement> _statements = [];

    static SqliteFile() => Batteries_V2.Init();

    private SqliteFile(sqlite3 handle, string path) => (_handle, Path) = (handle, path);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Opens a file for writing; a new one (mode 0600) gets the schema.</summary>
    /// <exception cref="FlowStoreException">It cannot be opened, or has another version.</exception>
    public static SqliteFile Open(string path, int version, string schema)
    {
        if (!File.Exists(path))
        {
            CreatePrivate(path);
        }

        var file = Open(path, raw.SQLITE_OPEN_READWRITE);
        try
        {
            file.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
            var found = file.Scalar("PRAGMA user_version");
            if (found == 0)
            {
                file.Transact(() => file.Execute($"{schema} PRAGMA user_version={version};"));
            }
            else if (found != version)
            {
                throw new FlowStoreException($"{path} has format {found}, this controller writes format {version}. Start the controller that wrote it, or move the file away.");
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file that another thread may be writing, to read what is committed.</summary>
    public static SqliteFile OpenToRead(string path) => Open(path, raw.SQLITE_OPEN_READONLY);

    /// <summary>Prepares a statement, which lives as long as the file is open.</summary>
    public Statement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle));
        var statement = new Statement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that answer nothing.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql));

    /// <summary>The one number that a query answers.</summary>
    public long Scalar(string sql)
    {
        using var statement = new Statement(this, Prepared(sql));
        return statement.Step() ? statement.Int64(0) : 0;
    }

    /// <summary>Does all of it, durably, or nothing.</summary>
    public void Transact(Action work)
    {
        Execute("BEGIN IMMEDIATE");
        try
        {
            work();
            Execute("COMMIT");
        }
        catch
        {
            // SQLite itself may have rolled back, as it does when the disk is full.
            if (raw.sqlite3_get_autocommit(_handle) == 0)
            {
                Execute("ROLLBACK");
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _handle.Dispose();
    }

    internal void Check(int result)
    {
        if (result is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            throw new FlowStoreException($"{Path}: {raw.sqlite3_errmsg(_handle).utf8_to_string()} ({result})");
        }
    }

    private static SqliteFile Open(string path, int flags)
    {
        // One thread at a time, so that SQLite needs no locks of its own.
        var result = raw.sqlite3_open_v2(path, out var handle, flags | raw.SQLITE_OPEN_NOMUTEX, null);
        var file = new SqliteFile(handle, path);
        try
        {
            file.Check(result);
            raw.sqlite3_busy_timeout(handle, 500);
            return file;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static void CreatePrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var _ = new FileStream(path, options);
    }

    private sqlite3_stmt Prepared(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var handle));
        return handle;
    }
}

/// <summary>A prepared statement: bind, step until false, which also makes it ready for the next use.</summary>
internal sealed class Statement(SqliteFile file, sqlite3_stmt handle) : IDisposable
{
    /// <summary>Binds a number; parameters count from 1.</summary>
    public Statement Bind(int index, long value)
    {
        file.Check(raw.sqlite3_bind_int64(handle, index, value));
        return this;
    }

    /// <summary>Binds nothing.</summary>
    public Statement BindNull(int index)
    {
        file.Check(raw.sqlite3_bind_null(handle, index));
        return this;
    }

    /// <summary>Binds text.</summary>
    public Statement Bind(int index, string value)
    {
        file.Check(raw.sqlite3_bind_text(handle, index, value));
        return this;
    }

    /// <summary>Binds bytes.</summary>
    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        file.Check(raw.sqlite3_bind_blob(handle, index, value));
        return this;
    }

    /// <summary>Moves to the next row; false, and reset, after the last.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(handle);
        if (result == raw.SQLITE_ROW)
        {
            return true;
        }

        // Reset repeats the error of the step, with its message.
        file.Check(raw.sqlite3_reset(handle));
        return false;
    }

    /// <summary>A number of the current row; columns count from 0.</summary>
    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    /// <summary>A text of the current row.</summary>
    public string Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string();

    /// <summary>Bytes of the current row, valid until the next step.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
