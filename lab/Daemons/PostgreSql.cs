namespace Bulkhead.Lab;

/// <summary>A PostgreSQL server with one small database.</summary>
internal sealed class PostgreSql : DaemonKind
{
    public const string Account = "payments";

    public override string Name => "postgresql";

    public override string Program => "postgres";

    public override string User => "postgres";

    public override Service Service => new("tcp", 5432, WireProtocol.PostgreSql);

    public override IReadOnlyList<string> Consumes => ["dnsmasq"];

    public override async Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var template = await setup.Build.OnceAsync("postgresql", setup.User, folder => MakeAsync(setup, folder, cancellationToken));
        var data = $"{setup.Folder}/data";
        await setup.RunAsync(["cp", "-a", "--reflink=auto", $"{template}/data", data], cancellationToken);
        setup.Write("data/pg_hba.conf", "local all all trust\nhost all all all scram-sha-256\n");
        setup.Write("data/postgresql.auto.conf", $"""
            listen_addresses = '*'
            unix_socket_directories = '{setup.Folder}'
            shared_buffers = 16MB
            max_connections = 64
            fsync = off
            jit = off
            max_parallel_workers = 0
            log_hostname = {(setup.ResolvesNames ? "on" : "off")}

            """);
        return new(Tool.Require("postgres"), "-D", data);
    }

    private static async Task MakeAsync(DaemonSetup setup, string folder, CancellationToken cancellationToken)
    {
        await setup.RunAsync(
            [Tool.Require("initdb"), "-D", $"{folder}/data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
            cancellationToken);
        string[] single = [Tool.Require("postgres"), "--single", "-D", $"{folder}/data", "-c", "fsync=off"];
        await setup.RunAsync(
            [.. single, "postgres"], cancellationToken,
            $"CREATE USER {Account} PASSWORD '{setup.Build.Password}'\nCREATE DATABASE {Account} OWNER {Account}\n");
        await setup.RunAsync(
            [.. single, Account], cancellationToken,
            $"CREATE TABLE ledger (id serial PRIMARY KEY, cents int NOT NULL)\nALTER TABLE ledger OWNER TO {Account}\nINSERT INTO ledger (cents) VALUES (12900), (5990)\n");
    }
}
