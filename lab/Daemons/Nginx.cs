using System.Globalization;

namespace Bulkhead.Lab;

/// <summary>A reverse proxy in front of application servers: one new connection, and a fresh look at the DNS, a request.</summary>
internal sealed class Nginx : DaemonKind
{
    public override string Name => "nginx";

    public override string Program => "nginx";

    public override string User => "www-data";

    public override Service Service => new("tcp", 80, WireProtocol.Http("/health"));

    public override IReadOnlyList<string> Consumes => ["appserver", "dnsmasq"];

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var servers = setup.LinksTo("appserver").Select(DaemonSetup.NameOf).ToList();
        var resolver = setup.LinksTo("dnsmasq").Select(link => setup.Build.Hosts.First(host => host.Name == link.To.Host).Ipv4).FirstOrDefault();
        var proxy = servers.Count == 0
            ? "return 404;"
            : $"proxy_pass http://{(resolver is null ? "servers" : "$server:8080")};";
        var upstream = resolver is null
            ? servers.Count == 0 ? "" : $"upstream servers {{ {string.Concat(servers.Select(server => $"server {server}:8080; "))}}}"
            : $"resolver {resolver} valid=1s; resolver_timeout 2s; split_clients $request_id $server {{ {Shares(servers)} }}";
        var configuration = setup.Write("nginx.conf", $$"""
            daemon off;
            worker_processes 1;
            pid {{setup.Folder}}/pid;
            error_log stderr warn;
            events { worker_connections 256; }
            http {
              access_log off;
              client_body_temp_path {{setup.Folder}}/body;
              proxy_temp_path {{setup.Folder}}/proxy;
              fastcgi_temp_path {{setup.Folder}}/fastcgi;
              uwsgi_temp_path {{setup.Folder}}/uwsgi;
              scgi_temp_path {{setup.Folder}}/scgi;
              keepalive_requests 1000000000;
              proxy_connect_timeout 2s;
              proxy_read_timeout 5s;
              {{upstream}}
              server {
                listen 80;
                listen [::]:80;
                location = /health { return 200 "ok\n"; }
                location / { {{proxy}} }
              }
            }
            """);
        return Task.FromResult(new Launch(Tool.Require("nginx"), "-e", "stderr", "-c", configuration, "-p", setup.Folder));
    }

    private static string Shares(List<string> servers) =>
        string.Join(' ', servers.Select((server, index) =>
            index == servers.Count - 1 ? $"* {server};" : string.Create(CultureInfo.InvariantCulture, $"{100 / servers.Count}% {server};")));
}
