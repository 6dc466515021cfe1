namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A controller that uses the store; in SQLite, the one that does.</summary>
public sealed class ControllerRow
{
    /// <summary>Its identity, which its data folder keeps.</summary>
    public Guid Id { get; set; }

    /// <summary>Its machine's name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Where agents connect: <c>ADDRESS:PORT</c>, separated by spaces. Every host's policy lets them through.</summary>
    public string Endpoints { get; set; } = "";

    /// <summary>The SHA-256 of the CA certificate that it issues under; the same for all.</summary>
    public string Authority { get; set; } = "";

    /// <summary>When it last said that it lives, by its own clock.</summary>
    public DateTimeOffset LastSeen { get; set; }
}
