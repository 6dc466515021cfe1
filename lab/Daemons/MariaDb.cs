namespace Bulkhead.Lab;

/// <summary>A MariaDB server with one small database.</summary>
internal sealed class MariaDb : DaemonKind
{
    public const string Account = "shop";

    public override string Name => "mariadb";

    public override string Program => "mariadbd";

    public override string User => "mysql";

    public override Service Service => new("tcp", 3306, WireProtocol.MariaDb);

    public override IReadOnlyList<string> Consumes => ["dnsmasq"];

    public override async Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var template = await setup.Build.OnceAsync("mariadb", setup.User, folder => setup.RunAsync(
            [
                Tool.Require("mariadb-install-db"), "--no-defaults", $"--datadir={folder}/data", "--auth-root-authentication-method=normal",
                "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0",
            ],
            cancellationToken));
        await setup.RunAsync(["cp", "-a", "--reflink=auto", $"{template}/data", $"{setup.Folder}/data"], cancellationToken);

        var seed = setup.Write("seed.sql", string.Join('\n',
            $"CREATE DATABASE IF NOT EXISTS {Account};",
            $"CREATE OR REPLACE USER '{Account}'@'%' IDENTIFIED BY '{setup.Build.Password}';",
            $"GRANT ALL ON {Account}.* TO '{Account}'@'%';",
            $"CREATE TABLE IF NOT EXISTS {Account}.articles (id INT PRIMARY KEY, name VARCHAR(64) NOT NULL, cents INT NOT NULL);",
            $"REPLACE INTO {Account}.articles VALUES (1, 'anchor', 12900), (2, 'bilge pump', 8450), (3, 'compass', 5990);"));
        var configuration = setup.Write("my.cnf", $"""
            [mariadbd]
            datadir = {setup.Folder}/data
            socket = {setup.Folder}/socket
            pid-file = {setup.Folder}/pid
            tmpdir = {setup.Folder}
            init-file = {seed}
            bind-address = *
            port = 3306
            {(setup.ResolvesNames ? "host-cache-size = 0" : "skip-name-resolve")}
            max-connect-errors = 4294967295
            max-connections = 64
            log-warnings = 1
            performance-schema = OFF
            skip-log-bin
            key-buffer-size = 1M
            table-open-cache = 64
            innodb-buffer-pool-size = 16M
            innodb-log-file-size = 4M
            innodb-flush-log-at-trx-commit = 0
            """);
        return new(Tool.Require("mariadbd"), $"--defaults-file={configuration}");
    }
}
