namespace Bulkhead.Lab.Shop;

/// <summary>What an application server serves and which backends a request to it uses.</summary>
internal sealed record AppConfiguration(
    string Name, int Port,
    IReadOnlyList<MariaDbAccount> MariaDb, IReadOnlyList<string> PostgreSql, IReadOnlyList<string> Redis, IReadOnlyList<Uri> Services);

/// <summary>A MariaDB server and an account on it.</summary>
internal sealed record MariaDbAccount(string Host, string User, string Password, string Database);

/// <summary>The pages that a browser keeps requesting.</summary>
internal sealed record BrowserConfiguration(IReadOnlyList<Uri> Pages);
