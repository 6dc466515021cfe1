using System.Runtime.InteropServices;

namespace Bulkhead.Lab.Shop;

/// <summary>MariaDB, through Debian's own client library (libmariadb3).</summary>
internal sealed partial class MariaDbBackend(MariaDbAccount account) : Backend($"mariadb {account.Host}")
{
    protected override Task<IConversation> OpenAsync(CancellationToken cancellationToken) =>
        Task.Run<IConversation>(() => new Conversation(account), cancellationToken);

    private sealed class Conversation : IConversation
    {
        private readonly Connection _connection;

        public Conversation(MariaDbAccount account)
        {
            _connection = Init(0);
            var seconds = 2u;
            _ = Options(_connection, Option.ConnectTimeout, in seconds);
            _ = Options(_connection, Option.ReadTimeout, in seconds);
            _ = Options(_connection, Option.WriteTimeout, in seconds);
            if (Connect(_connection, account.Host, account.User, account.Password, account.Database, 3306, null, 0) == 0)
            {
                var message = Message();
                _connection.Dispose();
                throw new IOException(message);
            }
        }

        public Task<string> AskAsync(CancellationToken cancellationToken) =>
            Task.Run(() =>
            {
                const string question = "SELECT CONCAT(COUNT(*), ' articles') FROM articles";
                if (Query(_connection, question) != 0 || StoreResult(_connection) is not (not 0 and var result))
                {
                    throw new IOException(Message());
                }

                try
                {
                    return Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(FetchRow(result)))!;
                }
                finally
                {
                    FreeResult(result);
                }
            }, cancellationToken);

        public ValueTask DisposeAsync()
        {
            _connection.Dispose();
            return ValueTask.CompletedTask;
        }

        private string Message() => Marshal.PtrToStringUTF8(Error(_connection))!;
    }

    private sealed class Connection() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            MariaDbBackend.Close(handle);
            return true;
        }
    }

    /// <summary>Values of <c>enum mysql_option</c>.</summary>
    private enum Option
    {
        ConnectTimeout = 0,
        ReadTimeout = 11,
        WriteTimeout = 12,
    }

    private const string Library = "libmariadb.so.3";

    [LibraryImport(Library, EntryPoint = "mysql_init")]
    private static partial Connection Init(nint reuse);

    [LibraryImport(Library, EntryPoint = "mysql_options")]
    private static partial int Options(Connection connection, Option option, in uint value);

    [LibraryImport(Library, EntryPoint = "mysql_real_connect", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Connect(
        Connection connection, string host, string user, string password, string database, uint port, string? socket, nuint flags);

    [LibraryImport(Library, EntryPoint = "mysql_query", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Query(Connection connection, string statement);

    [LibraryImport(Library, EntryPoint = "mysql_store_result")]
    private static partial nint StoreResult(Connection connection);

    [LibraryImport(Library, EntryPoint = "mysql_fetch_row")]
    private static partial nint FetchRow(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_free_result")]
    private static partial void FreeResult(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_error")]
    private static partial nint Error(Connection connection);

    [LibraryImport(Library, EntryPoint = "mysql_close")]
    private static partial void Close(nint connection);
}
