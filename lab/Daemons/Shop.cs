using System.Text.Json;
using Bulkhead.Lab.Shop;
using Npgsql;

namespace Bulkhead.Lab;

/// <summary>An application server: this program as <c>appserver app</c>. Each request uses every linked backend.</summary>
internal sealed class AppServer : DaemonKind
{
    public const int Port = 8080;

    public override string Name => "appserver";

    public override string Program => "appserver";

    public override string User => "nobody";

    public override string Executable => "/run/lab/appserver";

    public override Service Service => new("tcp", Port, WireProtocol.Http("/health"));

    public override IReadOnlyList<string> Consumes => ["mariadb", "postgresql", "redis", "appserver", "dnsmasq"];

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var password = setup.Build.Password;
        var configuration = new AppConfiguration(
            setup.Host.Name,
            Port,
            [.. setup.LinksTo("mariadb").Select(link => new MariaDbAccount(DaemonSetup.NameOf(link), MariaDb.Account, password, MariaDb.Account))],
            [.. setup.LinksTo("postgresql").Select(link => new NpgsqlConnectionStringBuilder
            {
                Host = DaemonSetup.NameOf(link),
                Username = PostgreSql.Account,
                Password = password,
                Database = PostgreSql.Account,
                Timeout = 2,
                CommandTimeout = 2,
                Pooling = false,
            }.ConnectionString)],
            [.. setup.LinksTo("redis").Select(DaemonSetup.NameOf)],
            [.. setup.LinksTo("appserver").Select(link => new Uri($"http://{DaemonSetup.NameOf(link)}:{Port}/"))]);
        var file = setup.Write("app.json", JsonSerializer.Serialize(configuration));
        return Task.FromResult(new Launch(Executable, "app", "--config", file) { Environment = SmallRuntime(setup) });
    }

    /// <summary>The environment of a .NET process that shall stay small and leave no files about.</summary>
    public static Dictionary<string, string> SmallRuntime(DaemonSetup setup) => new()
    {
        ["DOTNET_ROOT"] = "/run/dotnet",
        ["DOTNET_EnableDiagnostics"] = "0",
        ["DOTNET_GCHeapHardLimit"] = "0x4000000",
        ["TMPDIR"] = setup.Folder,
        ["HOME"] = setup.Folder,
    };
}

/// <summary>Users' browsers: this program as <c>browser browse</c>, requesting the front page of every linked server.</summary>
internal sealed class Browser : DaemonKind
{
    public override string Name => "browser";

    public override string Program => "browser";

    public override string User => "nobody";

    public override string Executable => "/run/lab/browser";

    public override IReadOnlyList<string> Consumes => ["nginx", "appserver", "dnsmasq"];

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        IEnumerable<Uri> pages =
        [
            .. setup.LinksTo("nginx").Select(link => new Uri($"http://{DaemonSetup.NameOf(link)}/")),
            .. setup.LinksTo("appserver").Select(link => new Uri($"http://{DaemonSetup.NameOf(link)}:{AppServer.Port}/")),
        ];
        var file = setup.Write("browser.json", JsonSerializer.Serialize(new BrowserConfiguration([.. pages])));
        return Task.FromResult(new Launch(Executable, "browse", "--config", file) { Environment = AppServer.SmallRuntime(setup) });
    }
}
