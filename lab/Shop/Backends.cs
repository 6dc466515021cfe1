using System.Net.Sockets;
using Npgsql;

namespace Bulkhead.Lab.Shop;

/// <summary>PostgreSQL.</summary>
internal sealed class PostgreSqlBackend(string connectionString)
    : Backend($"postgresql {new NpgsqlConnectionStringBuilder(connectionString).Host}")
{
    protected override async Task<IConversation> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return new Conversation(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private sealed class Conversation(NpgsqlConnection connection) : IConversation
    {
        public async Task<string> AskAsync(CancellationToken cancellationToken)
        {
            await using var command = new NpgsqlCommand("SELECT sum(cents) || ' cents' FROM ledger", connection);
            return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}

/// <summary>Redis: its inline protocol over a socket.</summary>
internal sealed class RedisBackend(string host) : Backend($"redis {host}")
{
    protected override async Task<IConversation> OpenAsync(CancellationToken cancellationToken)
    {
        var client = new TcpClient(AddressFamily.InterNetworkV6) { Client = { DualMode = true }, NoDelay = true };
        try
        {
            await client.ConnectAsync(host, 6379, cancellationToken);
            return new Conversation(client);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private sealed class Conversation(TcpClient client) : IConversation
    {
        private readonly StreamReader _reader = new(client.GetStream());

        public async Task<string> AskAsync(CancellationToken cancellationToken)
        {
            await client.GetStream().WriteAsync("INCR visits\r\n"u8.ToArray(), cancellationToken);
            var answer = await _reader.ReadLineAsync(cancellationToken) ?? throw new IOException("the connection was closed");
            return answer.StartsWith(':') ? answer[1..] + " visits" : throw new IOException(answer);
        }

        public ValueTask DisposeAsync()
        {
            _reader.Dispose();
            client.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Another application's server.</summary>
internal sealed class HttpBackend(Uri address) : Backend($"http {address.Host}")
{
    protected override Task<IConversation> OpenAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IConversation>(new Conversation(address));

    private sealed class Conversation(Uri address) : IConversation
    {
        private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });

        public Task<string> AskAsync(CancellationToken cancellationToken) => _client.GetStringAsync(address, cancellationToken);

        public ValueTask DisposeAsync()
        {
            _client.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
